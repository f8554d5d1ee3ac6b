import type { Kernel, Micros } from '../kernel/index.ts';
import { fill, POD_EVENTS, type PodEventType, SERVICE_EVENTS, type ServiceEventType } from './event-texts.ts';

/** Distinct events kept; beyond it the oldest are dropped and counted. */
const EVENT_LIMIT = 100_000;

/** One event as the platform shows it: repeats of the same text on the same object are counted, not listed. */
export interface PlatformEvent {
  readonly level: 'service' | 'pod';
  /** The service or the pod. */
  readonly object: string;
  readonly type: ServiceEventType | PodEventType;
  /** A key of the table of texts. */
  readonly reason: string;
  readonly message: string;
  readonly firstAt: Micros;
  lastAt: Micros;
  occurrences: number;
}

/** Told of each occurrence of an event, as it happens. */
export type EventSink = (event: Readonly<PlatformEvent>) => void;

/** Service and pod events, in order of first occurrence. */
export class EventLog {
  readonly #kernel: Kernel;
  readonly #events = new Map<string, PlatformEvent>();
  readonly #sink: EventSink | undefined;
  #dropped = 0;

  /** @param sink is told of every occurrence; it changes nothing */
  constructor(kernel: Kernel, sink?: EventSink) {
    this.#kernel = kernel;
    this.#sink = sink;
  }

  service(name: string, reason: keyof typeof SERVICE_EVENTS, ...values: (string | number)[]): void {
    const { type, text } = SERVICE_EVENTS[reason];
    this.#record('service', name, type, reason, fill(text, values));
  }

  pod(name: string, reason: keyof typeof POD_EVENTS, ...values: (string | number)[]): void {
    const { type, text } = POD_EVENTS[reason];
    this.#record('pod', name, type, reason, fill(text, values));
  }

  all(): PlatformEvent[] {
    return [...this.#events.values()];
  }

  get dropped(): number {
    return this.#dropped;
  }

  #record(
    level: PlatformEvent['level'],
    object: string,
    type: PlatformEvent['type'],
    reason: string,
    message: string,
  ): void {
    const at = this.#kernel.now;
    this.#kernel.trace.tell(at, `event ${level} ${object} ${reason} ${message}`);
    const key = `${level} ${object} ${message}`;
    const known = this.#events.get(key);
    if (known !== undefined) {
      known.occurrences++;
      known.lastAt = at;
      this.#sink?.(known);
      return;
    }
    if (this.#events.size >= EVENT_LIMIT) {
      this.#events.delete(this.#events.keys().next().value!);
      this.#dropped++;
    }
    const event = { level, object, type, reason, message, firstAt: at, lastAt: at, occurrences: 1 };
    this.#events.set(key, event);
    this.#sink?.(event);
  }
}
