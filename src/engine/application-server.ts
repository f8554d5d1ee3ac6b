import { assert, type EventKind, type EventToken, type Kernel, type Micros, NEVER, NO_EVENT } from '../kernel/index.ts';
import { type ApplicationServerSpec, drawLatency } from './application-spec.ts';
import type { EngineFigures, EngineListener } from './listener.ts';
import { type EndReason, type Sequence, SequenceState } from './sequence.ts';
import type { ServingProcess } from './serving-process.ts';

/** Kinds of event that the applications of a world share: subject is the process's number, argument the job's. */
export interface ApplicationEvents {
  /** A job's first piece, or its last. */
  readonly due: EventKind;
}

/** A request that has a place. Moments are on the server's own clock, see {@link ApplicationServer}. */
interface Job {
  readonly sequence: Sequence;
  readonly firstAt: number;
  readonly every: number;
  token: EventToken;
}

/**
 * The server of an application that is no language model: so many requests at once, each with a latency of its own and
 * pieces that come evenly after the first. What waits takes a place in order of arrival.
 *
 * Time is kept on a clock of work, which a slow-down stretches and a stall stops: moments of pieces are fixed on it when
 * a job gets its place, and a change of speed moves them all. A piece leaves at the first microsecond at which the
 * clock has reached its moment. A job puts its first and its last piece on the heap, and none between: whoever watches
 * asks, and changes nothing.
 */
export class ApplicationServer implements ServingProcess {
  readonly id: number;
  readonly spec: ApplicationServerSpec;
  readonly startedAt: Micros;
  readonly #kernel: Kernel;
  readonly #events: ApplicationEvents;
  readonly #listener: EngineListener;
  /** By order of arrival; each gets its place in that order. */
  readonly #jobs = new Map<number, Job>();
  /** In order of arrival; those that have left are in it no more. */
  readonly #waiting = new Map<number, Sequence>();
  #arrivals = 0;
  #slowdown = 1;
  #stalled = false;
  /** The clock of work showed `#work` at `#since`, and goes on from there. */
  #since: Micros;
  #work = 0;
  #diedAt: Micros = NEVER;
  #busyMicros = 0;
  #busySince: Micros = NEVER;
  /** Pieces of jobs that are over. */
  #pieces = 0;

  constructor(
    id: number,
    spec: ApplicationServerSpec,
    kernel: Kernel,
    events: ApplicationEvents,
    listener: EngineListener,
  ) {
    this.id = id;
    this.spec = spec;
    this.startedAt = kernel.now;
    this.#since = kernel.now;
    this.#kernel = kernel;
    this.#events = events;
    this.#listener = listener;
  }

  get alive(): boolean {
    return this.#diedAt === NEVER;
  }

  get diedAt(): Micros {
    return this.#diedAt;
  }

  /** A stalled process turns nobody away: it says nothing at all, and what comes waits. */
  get full(): boolean {
    if (this.#stalled) return false;
    return this.#jobs.size >= this.#places && this.#waiting.size >= (this.spec.queue ?? Number.POSITIVE_INFINITY);
  }

  /** Takes a sequence in, which must have a task; not when it is {@link full}. */
  submit(sequence: Sequence): void {
    assert(this.alive, () => `sequence ${sequence.request} submitted to dead application ${this.id}`);
    assert(!this.full, () => `sequence ${sequence.request} submitted to application ${this.id}, which is full`);
    assert(sequence.task !== undefined, () => `sequence ${sequence.request} is nothing for an application`);
    sequence.order = this.#arrivals++;
    this.#waiting.set(sequence.order, sequence);
    this.#fill();
  }

  /** The client has left: its place is free at once, and pieces that are not due yet never leave. */
  abort(sequence: Sequence): void {
    if (sequence.state === SequenceState.ended) return;
    if (this.#waiting.delete(sequence.order)) this.#end(sequence, 'aborted');
    else {
      const job = this.#jobs.get(sequence.order);
      if (job?.sequence !== sequence) return;
      this.#settle(job);
      this.#finish(job, 'aborted');
    }
    this.#fill();
  }

  slowDown(factor: number): void {
    if (factor === this.#slowdown || !this.alive) return;
    this.#change(() => {
      this.#slowdown = factor;
    });
  }

  setStalled(stalled: boolean): void {
    if (stalled === this.#stalled || !this.alive) return;
    this.#change(() => {
      this.#stalled = stalled;
    });
    this.#fill();
  }

  die(): void {
    if (!this.alive) return;
    this.#diedAt = this.#kernel.now;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const job of [...this.#jobs.values()]) {
      this.#settle(job);
      this.#finish(job, 'cut');
    }
    for (const sequence of waiting) this.#end(sequence, 'cut');
    this.#listener.died?.();
  }

  tokenTime(sequence: Sequence, index: number): Micros {
    const past = sequence.tokenTimes?.[index];
    if (past !== undefined) return past;
    const job = this.#jobs.get(sequence.order);
    if (job?.sequence !== sequence || index >= sequence.outputTokens) return NEVER;
    return this.#momentOf(job, index);
  }

  figures(): EngineFigures {
    let pieces = this.#pieces;
    for (const job of this.#jobs.values()) pieces += this.#sentBy(job);
    return {
      running: this.#jobs.size,
      waiting: this.#waiting.size,
      kvBlocksUsed: 0,
      kvBlocksTotal: 0,
      busyMicros: this.#busyMicros + (this.#busySince === NEVER ? 0 : this.#kernel.now - this.#busySince),
      kvBlockMicros: 0,
      promptTokens: 0,
      generationTokens: pieces,
      preemptions: 0,
      prefixQueries: 0,
      prefixHits: 0,
      held: 0,
      receiving: 0,
    };
  }

  /** To be called when an event of a job comes up. */
  onDue(order: number): void {
    const job = this.#jobs.get(order)!;
    job.token = NO_EVENT;
    this.#settle(job);
    const { generated, outputTokens } = job.sequence;
    if (generated < outputTokens) {
      this.#expect(job);
      return;
    }
    this.#finish(job, 'finished');
    this.#fill();
  }

  get #places(): number {
    return this.spec.concurrency ?? Number.POSITIVE_INFINITY;
  }

  /** Whoever waits takes the places that are free. A stalled process gives none. */
  #fill(): void {
    if (this.#stalled) return;
    // What a listener does on being told may free a place or take one: the queue is looked at anew each time.
    while (this.alive && this.#jobs.size < this.#places) {
      const next = this.#waiting.entries().next();
      if (next.done === true) return;
      const [order, sequence] = next.value;
      this.#waiting.delete(order);
      this.#start(order, sequence);
    }
  }

  #start(order: number, sequence: Sequence): void {
    const { latency, every } = sequence.task!;
    const wait = drawLatency(latency, this.#kernel.chance.seed, sequence.request);
    const job: Job = { sequence, firstAt: this.#workNow() + wait, every, token: NO_EVENT };
    this.#jobs.set(order, job);
    this.#refreshBusy();
    sequence.state = SequenceState.running;
    sequence.admitted = true;
    this.#expect(job);
    this.#listener.admitted(sequence);
  }

  /** Has the job's next moment come up that somebody is told of. */
  #expect(job: Job): void {
    const { generated, outputTokens, order } = job.sequence;
    const at = this.#momentOf(job, generated === 0 ? 0 : outputTokens - 1);
    if (at !== NEVER) job.token = this.#kernel.schedule(this.#events.due, at, this.id, order);
  }

  /** Work goes at another pace from now on: what has left has left, and the rest comes at moments anew. */
  #change(make: () => void): void {
    const { now } = this.#kernel;
    for (const job of this.#jobs.values()) {
      this.#settle(job);
      this.#kernel.cancel(job.token);
      job.token = NO_EVENT;
    }
    this.#work = this.#workNow();
    this.#since = now;
    make();
    this.#refreshBusy();
    for (const job of this.#jobs.values()) this.#expect(job);
  }

  /** What the clock of work shows now. */
  #workNow(): number {
    return this.#stalled ? this.#work : this.#work + (this.#kernel.now - this.#since) / this.#slowdown;
  }

  /** When a piece that has not been settled leaves, at the pace of now; NEVER while nothing gets on. */
  #momentOf({ sequence, firstAt, every }: Job, index: number): Micros {
    if (this.#stalled) return NEVER;
    const ahead = (firstAt + index * every - this.#work) * this.#slowdown;
    // What was still to come when the pace changed comes after that, whatever rounding says.
    const least = index >= sequence.generated ? 1 : 0;
    return (this.#since + Math.max(least, Math.ceil(ahead - CLOCK_GRAIN))) as Micros;
  }

  /** Pieces that have left by now. */
  #sentBy(job: Job): number {
    const { now } = this.#kernel;
    const { generated, outputTokens } = job.sequence;
    if (this.#momentOf(job, generated) > now) return generated;
    let low = generated;
    let high = outputTokens - 1;
    if (job.every > 0) {
      // Pieces are even: where one stands is known but for rounding.
      const guess = generated + Math.floor((now - this.#momentOf(job, generated)) / (job.every * this.#slowdown));
      low = Math.max(low, Math.min(guess - 1, high));
      high = Math.min(high, guess + 1);
    }
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#momentOf(job, middle) <= now) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  /** Counts the pieces that have left by now, and tells of the first. */
  #settle(job: Job): void {
    const { sequence } = job;
    const before = sequence.generated;
    const sent = Math.min(this.#sentBy(job), sequence.outputTokens);
    if (sent === before) return;
    if (sequence.tokenTimes !== undefined) {
      for (let piece = before; piece < sent; piece++) sequence.tokenTimes.push(this.#momentOf(job, piece));
    }
    sequence.generated = sent;
    if (before === 0) this.#listener.firstToken(sequence);
  }

  /** The job is over, and its place free. @param otherwise how it ends if pieces are missing */
  #finish(job: Job, otherwise: EndReason): void {
    const { sequence } = job;
    this.#kernel.cancel(job.token);
    this.#jobs.delete(sequence.order);
    this.#pieces += sequence.generated;
    this.#refreshBusy();
    this.#end(sequence, sequence.generated === sequence.outputTokens ? 'finished' : otherwise);
  }

  #end(sequence: Sequence, reason: EndReason): void {
    sequence.state = SequenceState.ended;
    this.#listener.ended(sequence, reason);
  }

  /** It is busy while it gets on with something. */
  #refreshBusy(): void {
    const busy = this.#jobs.size > 0 && !this.#stalled;
    if (busy === (this.#busySince !== NEVER)) return;
    const { now } = this.#kernel;
    if (busy) this.#busySince = now;
    else {
      this.#busyMicros += now - this.#busySince;
      this.#busySince = NEVER;
    }
  }
}

/** What a sum of shares of microseconds may be off by, microseconds: a moment that is due to the grain is not put off by it. */
const CLOCK_GRAIN = 1e-3;
