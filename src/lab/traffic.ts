import type { Gateway, Tasks } from '../gateway/index.ts';
import { after, type EventKind, type Kernel, type Micros, NEVER, Priority } from '../kernel/index.ts';
import type { Service } from '../platform/index.ts';
import { type TrafficRequest, type TrafficSpec, TrafficStream } from '../workload/index.ts';

/** Where requests go: of asynchronous services they are tasks. */
interface Ways {
  readonly gateway: Gateway;
  readonly tasks: Tasks;
}

interface Source {
  readonly spec: TrafficSpec;
  readonly service: Service;
  readonly stream: TrafficStream;
  /** The moment that its offsets count from; NEVER until it has begun. */
  zero: Micros;
  next: TrafficRequest | undefined;
  ended: boolean;
}

/** The scenario's own traffic: pulls each stream's next request and sends it when its moment comes. */
export class Traffic {
  readonly #kernel: Kernel;
  readonly #ways: Ways;
  readonly #arrival: EventKind;
  readonly #sources: Source[];
  #live: number;

  constructor(
    kernel: Kernel,
    ways: Ways,
    services: readonly Service[],
    specs: readonly TrafficSpec[],
    duration: Micros | undefined,
  ) {
    this.#kernel = kernel;
    this.#ways = ways;
    this.#arrival = kernel.kind('traffic/arrival', Priority.arrival, (index) => this.#onArrival(this.#sources[index]!));
    this.#sources = specs.map((spec) => ({
      spec,
      service: services.find((service) => service.spec.name === spec.service)!,
      stream: new TrafficStream(spec, (name) => kernel.chance.stream(name), duration),
      zero: NEVER,
      next: undefined,
      ended: false,
    }));
    this.#live = this.#sources.length;
  }

  /** Every stream has sent its last request. */
  get ended(): boolean {
    return this.#live === 0;
  }

  /** Streams that never began, since their service never ran. */
  get neverBegun(): string[] {
    return this.#sources.filter(({ zero }) => zero === NEVER).map(({ spec }) => spec.name);
  }

  /** Begins the streams that count from time zero. */
  boot(): void {
    for (const source of this.#sources) if (source.spec.from === 'boot') this.#begin(source);
  }

  /** A service's first deployment is over: its streams begin, or never will. */
  onSettled(service: Service): void {
    const runs = service.status !== 'FAILED';
    for (const source of this.#sources) {
      if (source.service !== service || source.zero !== NEVER) continue;
      if (runs) this.#begin(source);
      else this.#end(source);
    }
  }

  /** No stream sends anything more. */
  stop(): void {
    for (const source of this.#sources) this.#end(source);
  }

  #begin(source: Source): void {
    source.zero = this.#kernel.now;
    this.#pull(source);
  }

  #pull(source: Source): void {
    source.next = source.stream.next();
    if (source.next === undefined) this.#end(source);
    else this.#kernel.schedule(this.#arrival, after(source.zero, source.next.offset), this.#sources.indexOf(source));
  }

  #onArrival(source: Source): void {
    if (source.ended) return;
    const { service, spec, next } = source;
    const { gateway, tasks } = this.#ways;
    if (service.spec.mode === 'asynchronous') tasks.offer(service, next!, spec);
    else gateway.offer(service, next!, spec);
    this.#pull(source);
  }

  #end(source: Source): void {
    if (source.ended) return;
    source.ended = true;
    this.#live--;
  }
}
