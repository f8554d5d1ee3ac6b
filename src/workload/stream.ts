import { after, type Micros, type Uniform } from '../kernel/index.ts';
import { type ArrivalProcess, arrivalProcess } from './arrivals.ts';
import { type LengthSampler, lengthSampler } from './lengths.ts';
import type { PromptPrefix, TracePrefixes, TrafficSpec } from './spec.ts';

/** One request that a stream sends. */
export interface TrafficRequest {
  /** Counted from the moment that the stream's `from` names; its `start` is part of it. */
  readonly offset: Micros;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Its number in the stream, from 0; for a trace, the row. */
  readonly row: number;
  /** What the prompt may share, where a trace tells. */
  readonly prefix: PromptPrefix | undefined;
}

/**
 * The requests of one stream, pulled one by one: nothing is made before it is asked for.
 *
 * When, how long a prompt and how long an answer are drawn from three streams of chance of their own, named after
 * the traffic, so that changing one of them, or another stream, changes none of the rest.
 */
export class TrafficStream {
  readonly spec: TrafficSpec;
  readonly #arrivals: ArrivalProcess;
  readonly #prompt: LengthSampler;
  readonly #output: LengthSampler;
  readonly #prefixes: TracePrefixes | undefined;
  readonly #duration: Micros | undefined;
  #sent = 0;
  #ended = false;

  /**
   * @param stream gives the stream of chance of that name
   * @param duration requests whose offset would reach it are not sent; a ramp lasts from `start` until then
   */
  constructor(spec: TrafficSpec, stream: (name: string) => Uniform, duration: Micros | undefined) {
    const { name, arrivals } = spec;
    const trace = arrivals.kind === 'trace' ? arrivals.trace : undefined;
    const span = duration === undefined ? undefined : ((duration - spec.start) as Micros);
    this.spec = spec;
    this.#arrivals = arrivalProcess(arrivals, stream(`arrivals/${name}`), span);
    this.#prompt = lengthSampler(spec.prompt, stream(`prompt/${name}`), trace?.promptTokens);
    this.#output = lengthSampler(spec.output, stream(`output/${name}`), trace?.outputTokens);
    this.#prefixes = trace?.prefixes;
    this.#duration = duration;
  }

  /** The next request, or undefined once the stream has ended; it stays ended. */
  next(): TrafficRequest | undefined {
    if (this.#ended) return undefined;
    const { start, count } = this.spec;
    const arrival = count !== undefined && this.#sent >= count ? undefined : this.#arrivals.next();
    const offset = arrival === undefined ? undefined : after(start, arrival.at);
    if (arrival === undefined || offset === undefined || (this.#duration !== undefined && offset >= this.#duration)) {
      this.#ended = true;
      return undefined;
    }
    this.#sent++;
    const { row } = arrival;
    const { unitTokens, hashes } = this.#prefixes ?? {};
    const prefix = unitTokens === undefined ? undefined : { unitTokens, hashes: hashes![row]! };
    return { offset, promptTokens: this.#prompt(row), outputTokens: this.#output(row), row, prefix };
  }
}
