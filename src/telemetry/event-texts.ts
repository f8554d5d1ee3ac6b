/**
 * The platform's event texts, complete: guide Tables 1-52 to 1-55 and Figure 1-84. Each says what in the simulation
 * causes it, or why nothing does.
 */
import type { EventOrigin } from './event-text.ts';
import { INIT_CONTAINER_ERRORS } from './init-container-errors.ts';
import { POD_EVENTS } from './pod-event-texts.ts';
import { SERVICE_EVENTS } from './service-event-texts.ts';

export * from './event-text.ts';
export * from './init-container-errors.ts';
export * from './pod-event-texts.ts';
export { SERVICE_EVENTS } from './service-event-texts.ts';

export type ServiceEventKey = keyof typeof SERVICE_EVENTS;
export type PodEventKey = keyof typeof POD_EVENTS;

/** A line of the guide's tables. */
export type EventCause = EventOrigin & {
  readonly table: 'service' | 'pod' | 'init-container';
  readonly key: string;
  readonly guide: number;
};

/** Every text of every table with its origin, for those who ask which are caused. */
export function eventCauses(): EventCause[] {
  return [
    ...rows('service', SERVICE_EVENTS),
    ...rows('pod', POD_EVENTS),
    ...rows('init-container', INIT_CONTAINER_ERRORS),
  ];
}

function rows(
  table: EventCause['table'],
  entries: Readonly<Record<string, EventOrigin & { readonly guide: number }>>,
): EventCause[] {
  return Object.entries(entries).map(([key, entry]) => ({ ...entry, table, key }));
}
