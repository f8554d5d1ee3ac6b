/** What makes an event happen here; or, for a text that stands in a table only for completeness, why nothing does. */
export type EventOrigin =
  | { readonly cause: string; readonly noCause?: never }
  | { readonly noCause: string; readonly cause?: never };

/** A text of the platform. */
export type EventText = EventOrigin & {
  /** As the guide prints it; each `%s` takes a value. */
  readonly text: string;
  /** What fills each `%s`, in order. */
  readonly values?: readonly string[];
  /** The guide's line. */
  readonly guide: number;
};

export type ServiceEventType = 'Normal' | 'Warning' | 'Exception';
export type ServiceEventText = EventText & { readonly type: ServiceEventType };

export type PodEventType = 'Normal' | 'Alarm';
export type PodEventText = EventText & { readonly type: PodEventType };

/** Fills the `%s` of a text, in order. Values left over say more than the guide's text and go behind it. */
export function fill(text: string, values: readonly (string | number)[]): string {
  let next = 0;
  const filled = text.replace(/%s/g, () => String(values[next++] ?? ''));
  return [filled, ...values.slice(next)].join(' ').trimEnd();
}
