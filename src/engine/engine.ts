import {
  assert,
  type EventKind,
  type EventToken,
  type Kernel,
  type Micros,
  NEVER,
  NO_EVENT,
  Priority,
} from '../kernel/index.ts';
import { BatchScheduler } from './batch-scheduler.ts';
import { BlockPool } from './block-pool.ts';
import { Segment } from './segment.ts';
import { type EndReason, type Sequence, SequenceState } from './sequence.ts';
import type { EngineSpec } from './spec.ts';
import { WaitingQueue } from './waiting-queue.ts';

/** What an engine reports, at the moment it happens. Handed in when the world is composed. */
export interface EngineListener {
  /** In a batch for the first time. */
  admitted(sequence: Sequence): void;
  firstToken(sequence: Sequence): void;
  preempted(sequence: Sequence): void;
  ended(sequence: Sequence, reason: EndReason): void;
}

/** An engine's figures at one moment. Times are microseconds, summed since it started. */
export interface EngineFigures {
  readonly running: number;
  readonly waiting: number;
  readonly kvBlocksUsed: number;
  readonly kvBlocksTotal: number;
  /** Time with a step in progress. */
  readonly busyMicros: number;
  /** KV blocks in use, integrated over time. */
  readonly kvBlockMicros: number;
  readonly promptTokens: number;
  readonly generationTokens: number;
  readonly preemptions: number;
}

/**
 * One serving engine: waiting queue, continuous batch, paged KV cache. Time passes in steps; steps without a change
 * of membership make one {@link Segment}, which is a single event whatever its length.
 *
 * What reaches an engine (an arrival, an abort, a change of speed) takes effect at the end of the step in progress;
 * its death takes effect at once.
 */
export class Engine {
  readonly id: number;
  readonly spec: EngineSpec;
  readonly startedAt: Micros;
  readonly #kernel: Kernel;
  readonly #stepEnd: EventKind;
  readonly #listener: EngineListener;
  readonly #waiting = new WaitingQueue();
  readonly #running: Sequence[] = [];
  readonly #blocks: BlockPool;
  readonly #scheduler: BatchScheduler;
  readonly #segment: Segment;
  #token: EventToken = NO_EVENT;
  #slowdown = 1;
  #leaving = 0;
  #settling = false;
  #diedAt: Micros = NEVER;
  #busyMicros = 0;
  #kvBlockMicros = 0;
  #kvSince: Micros;
  #promptTokens = 0;
  #generationTokens = 0;
  #preemptions = 0;

  constructor(id: number, spec: EngineSpec, kernel: Kernel, stepEnd: EventKind, listener: EngineListener) {
    this.id = id;
    this.spec = spec;
    this.startedAt = kernel.now;
    this.#kvSince = kernel.now;
    this.#kernel = kernel;
    this.#stepEnd = stepEnd;
    this.#listener = listener;
    this.#blocks = new BlockPool(spec.kvBlocks, spec.blockSize);
    this.#scheduler = new BatchScheduler(spec, this.#running, this.#waiting, this.#blocks);
    this.#segment = new Segment(spec.stepTime);
  }

  get alive(): boolean {
    return this.#diedAt === NEVER;
  }

  /** NEVER while it lives. */
  get diedAt(): Micros {
    return this.#diedAt;
  }

  /** Takes a sequence in. It must fit: `promptTokens + outputTokens <= maxModelLen` and into an empty cache. */
  submit(sequence: Sequence): void {
    assert(this.alive, `sequence ${sequence.request} submitted to dead engine ${this.id}`);
    this.#waiting.push(sequence);
    if (this.#settling) return;
    if (!this.#segment.active) this.#startSegment();
    else if (this.#waiting.size === 1) this.#admitAtNextStep();
  }

  /** The client has left: a waiting sequence ends now, a running one at the next step boundary. */
  abort(sequence: Sequence): void {
    if (sequence.state === SequenceState.ended || sequence.leaving) return;
    if (sequence.state === SequenceState.waiting) {
      this.#waiting.forget();
      this.#end(sequence, 'aborted');
      // It may have held up the one behind it.
      if (this.#segment.active && !this.#settling) this.#admitAtNextStep();
      return;
    }
    sequence.leaving = true;
    this.#leaving++;
    if (!this.#settling) this.#endSegmentAtNextStep();
  }

  /** From the next step on, steps take `factor` times as long. */
  slowDown(factor: number): void {
    this.#slowdown = factor;
    if (this.#segment.active) this.#endSegmentAtNextStep();
  }

  /** The process is gone: steps that have ended by now count, the one in progress does not; every sequence is cut. */
  die(): void {
    if (!this.alive) return;
    this.#diedAt = this.#kernel.now;
    this.#kernel.cancel(this.#token);
    const now = this.#kernel.now;
    if (this.#segment.active) {
      const ended = this.#segment.stepsEndedBy(now);
      this.#busyMicros += now - this.#segment.endOfStep(ended);
      if (ended > 0) this.#settle(ended);
      this.#segment.stop();
    }
    this.#countBlocks(now);
    for (const sequence of this.#running.splice(0)) this.#end(sequence, sequence.leaving ? 'aborted' : 'cut');
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#end(next, 'cut');
  }

  /** To be called when the event scheduled for this engine comes up. */
  onStepEnd(): void {
    assert(this.#segment.active, `engine ${this.id} has no step in progress`);
    this.#settle(this.#segment.steps);
    this.#startSegment();
  }

  /**
   * When the `index`-th token (from 0) of a watched sequence left or will leave, as far as the segment in progress
   * tells; NEVER when that is not known yet. Asking changes nothing.
   */
  tokenTime(sequence: Sequence, index: number): Micros {
    const past = sequence.tokenTimes?.[index];
    if (past !== undefined) return past;
    if (sequence.state !== SequenceState.running || !this.#segment.active) return NEVER;
    if (sequence.scheduled < sequence.pending) return NEVER;
    const step = index - sequence.generated + 1;
    return step >= 1 && step <= this.#segment.steps ? this.#segment.endOfStep(step) : NEVER;
  }

  figures(): EngineFigures {
    const now = this.#kernel.now;
    const active = this.#segment.active;
    const steps = active ? this.#segment.stepsEndedBy(now) : 0;
    const { multiStep } = this.#segment;
    const blocks = steps > 0 && multiStep ? this.#scheduler.blocksAfter(steps) : this.#blocks.used;
    return {
      running: this.#running.length,
      waiting: this.#waiting.size,
      kvBlocksUsed: blocks,
      kvBlocksTotal: this.#blocks.total,
      busyMicros: this.#busyMicros + (active ? now - this.#segment.start : 0),
      kvBlockMicros: this.#kvBlockMicros + (now - this.#kvSince) * this.#blocks.used,
      promptTokens: this.#promptTokens,
      generationTokens: this.#generationTokens + (multiStep ? steps * this.#running.length : 0),
      preemptions: this.#preemptions,
    };
  }

  #startSegment(): void {
    const segment = this.#segment;
    const now = this.#kernel.now;
    this.#countBlocks(now);
    const plan = this.#scheduler.plan();
    for (const sequence of plan.preempted) {
      this.#preemptions++;
      this.#listener.preempted(sequence);
    }
    for (const sequence of plan.admitted) {
      if (sequence.admitted) continue;
      sequence.admitted = true;
      this.#promptTokens += sequence.promptTokens;
      this.#listener.admitted(sequence);
    }
    if (this.#running.length === 0) return;
    if (plan.decodeSteps > 0) {
      segment.startDecode(now, plan.decodeSteps, plan.work, this.#slowdown);
    } else {
      segment.startMixed(now, plan.work, this.#slowdown);
    }
    this.#token = this.#kernel.schedule(this.#stepEnd, segment.end, this.id);
  }

  /** Ends the segment early if the first in the queue could then join the batch. */
  #admitAtNextStep(): void {
    const first = this.#waiting.peek();
    if (first !== undefined && this.#scheduler.fitsNow(first)) this.#endSegmentAtNextStep();
  }

  #endSegmentAtNextStep(): void {
    const steps = this.#segment.stepsEndedBy(this.#kernel.now) + 1;
    if (steps >= this.#segment.steps) return;
    this.#segment.shorten(steps);
    this.#kernel.cancel(this.#token);
    this.#token = this.#kernel.schedule(this.#stepEnd, this.#segment.end, this.id);
  }

  /** Accounts for the first `steps` steps of the segment, ends what has ended and closes the segment. */
  #settle(steps: number): void {
    const segment = this.#segment;
    const ended = segment.endOfStep(steps);
    this.#settling = true;
    this.#busyMicros += ended - segment.start;
    const blocksBefore = this.#blocks.used;
    let finished = this.#leaving > 0;
    for (const sequence of this.#running) {
      const before = sequence.generated;
      if (sequence.scheduled === sequence.pending) {
        sequence.computed += sequence.scheduled + steps - 1;
        sequence.generated += steps;
        this.#generationTokens += steps;
        if (sequence.tokenTimes !== undefined) {
          for (let step = 1; step <= steps; step++) sequence.tokenTimes.push(segment.endOfStep(step));
        }
        if (before === 0) this.#listener.firstToken(sequence);
        if (sequence.generated >= sequence.outputTokens) finished = true;
      } else {
        sequence.computed += sequence.scheduled;
      }
      sequence.scheduled = 0;
    }
    this.#scheduler.growBlocks();
    this.#countBlocks(ended, blocksBefore);
    segment.stop();
    if (finished) this.#removeEnded();
    this.#settling = false;
  }

  #removeEnded(): void {
    const running = this.#running;
    let kept = 0;
    const over: Sequence[] = [];
    for (const sequence of running) {
      if (sequence.leaving || sequence.generated >= sequence.outputTokens) over.push(sequence);
      else running[kept++] = sequence;
    }
    running.length = kept;
    for (const sequence of over)
      this.#end(sequence, sequence.generated >= sequence.outputTokens ? 'finished' : 'aborted');
  }

  #end(sequence: Sequence, reason: EndReason): void {
    if (sequence.leaving) this.#leaving--;
    sequence.state = SequenceState.ended;
    this.#blocks.release(sequence.blocks);
    sequence.blocks = 0;
    this.#listener.ended(sequence, reason);
  }

  /** Integrates the blocks in use, as growing evenly since the last call. */
  #countBlocks(until: Micros, before = this.#blocks.used): void {
    this.#kvBlockMicros += ((until - this.#kvSince) * (before + this.#blocks.used)) / 2;
    this.#kvSince = until;
  }
}

/** The engines of one world, by number, and the event that they share. */
export class EngineRoom {
  readonly #kernel: Kernel;
  readonly #stepEnd: EventKind;
  readonly #engines: Engine[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#stepEnd = kernel.kind('engine/step-end', Priority.progress, (id) => this.#engines[id]!.onStepEnd());
  }

  start(spec: EngineSpec, listener: EngineListener): Engine {
    const engine = new Engine(this.#engines.length, spec, this.#kernel, this.#stepEnd, listener);
    this.#engines.push(engine);
    return engine;
  }

  /** Every engine that ever ran, in order of start. */
  get all(): readonly Engine[] {
    return this.#engines;
  }
}
