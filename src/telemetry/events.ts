import { fromSeconds, type Kernel, type Micros } from '../kernel/index.ts';
import {
  fill,
  POD_EVENTS,
  type PodEventKey,
  type PodEventType,
  SERVICE_EVENTS,
  type ServiceEventKey,
  type ServiceEventType,
} from './event-texts.ts';

/** Distinct events kept; beyond it the oldest are dropped and counted. */
const EVENT_LIMIT = 100_000;

/** How long after its last occurrence the platform still shows an event (guide 3043, 4486-4488). */
const SERVICE_EVENTS_SHOWN = fromSeconds(30 * 86_400);
const POD_EVENTS_SHOWN = fromSeconds(3_600);
const INGESTED_POD_EVENTS_SHOWN = fromSeconds(7 * 86_400);

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

export interface EventVisibility {
  /**
   * Whether a pod's service sends its events to the log service: logs ingested and "Kubernetes events" chosen.
   * Without it no service does.
   */
  readonly podEventsIngested?: (pod: string) => boolean;
}

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

  service(name: string, reason: ServiceEventKey, ...values: (string | number)[]): void {
    const { type, text } = SERVICE_EVENTS[reason];
    this.#record('service', name, type, reason, fill(text, values));
  }

  pod(name: string, reason: PodEventKey, ...values: (string | number)[]): void {
    const { type, text } = POD_EVENTS[reason];
    this.#record('pod', name, type, reason, fill(text, values));
  }

  /** Every event of the run, whatever its age. */
  all(): PlatformEvent[] {
    return [...this.#events.values()];
  }

  /** The events that the platform would show at a moment: the older ones are gone from its pages, not from this log. */
  visible(now: Micros, { podEventsIngested = () => false }: EventVisibility = {}): PlatformEvent[] {
    return this.all().filter(({ level, object, lastAt }) => {
      if (level === 'service') return now - lastAt <= SERVICE_EVENTS_SHOWN;
      return now - lastAt <= (podEventsIngested(object) ? INGESTED_POD_EVENTS_SHOWN : POD_EVENTS_SHOWN);
    });
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
