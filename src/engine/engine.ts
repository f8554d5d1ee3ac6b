import {
  assert,
  counted,
  type EventKind,
  type EventToken,
  type Kernel,
  type Micros,
  NEVER,
  NO_EVENT,
  Priority,
} from '../kernel/index.ts';
import { BatchScheduler } from './batch-scheduler.ts';
import { KvCache } from './kv-cache.ts';
import { Segment } from './segment.ts';
import { type EndReason, type Sequence, SequenceState } from './sequence.ts';
import type { EngineSpec } from './spec.ts';
import { acceptedDrafts } from './speculation.ts';
import { FirstComeQueue, PriorityQueue, type WaitingQueue } from './waiting-queue.ts';

/** What an engine reports, at the moment it happens. Handed in when the world is composed. */
export interface EngineListener {
  /** In a batch for the first time. */
  admitted(sequence: Sequence): void;
  firstToken(sequence: Sequence): void;
  preempted(sequence: Sequence): void;
  /** A prefill leg has computed its prompt and holds it for the decode leg; see {@link Engine.release}. */
  prefilled?(sequence: Sequence): void;
  /** A decode leg has its blocks; its keys and values may come; see {@link Engine.receive}. */
  receiving?(sequence: Sequence): void;
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
  /** Prompt tokens that admission looked up in the prefix cache, and those that it found. */
  readonly prefixQueries: number;
  readonly prefixHits: number;
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
  readonly #waiting: WaitingQueue;
  readonly #running: Sequence[] = [];
  readonly #blocks: KvCache;
  readonly #scheduler: BatchScheduler;
  readonly #segment: Segment;
  #token: EventToken = NO_EVENT;
  #slowdown = 1;
  #leaving = 0;
  /** Prompts computed for other engines to fetch, and sequences whose keys and values are on their way. */
  readonly #held = new Set<Sequence>();
  readonly #receiving = new Set<Sequence>();
  #arrivals = 0;
  #settling = false;
  #diedAt: Micros = NEVER;
  #busyMicros = 0;
  #kvBlockMicros = 0;
  #kvSince: Micros;
  #promptTokens = 0;
  #generationTokens = 0;
  #preemptions = 0;
  #prefixQueries = 0;
  #prefixHits = 0;

  constructor(id: number, spec: EngineSpec, kernel: Kernel, stepEnd: EventKind, listener: EngineListener) {
    this.id = id;
    this.spec = spec;
    this.startedAt = kernel.now;
    this.#kvSince = kernel.now;
    this.#kernel = kernel;
    this.#stepEnd = stepEnd;
    this.#listener = listener;
    this.#waiting = spec.schedulingPolicy === 'priority' ? new PriorityQueue() : new FirstComeQueue();
    this.#blocks = new KvCache(spec.kvBlocks, spec.blockSize, spec.prefixUnitTokens ?? 0);
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
    sequence.order = this.#arrivals++;
    this.#enqueue(sequence);
  }

  /** The keys and values of a receiving sequence have come: it takes its place at the next step boundary. */
  receive(sequence: Sequence): void {
    assert(sequence.state === SequenceState.receiving, `sequence ${sequence.request} receives nothing`);
    this.#receiving.delete(sequence);
    sequence.remote = false;
    sequence.computed = sequence.pending - 1;
    sequence.state = SequenceState.waiting;
    this.#enqueue(sequence, true);
  }

  /** They will not come: the prompt is computed here. */
  recompute(sequence: Sequence): void {
    assert(sequence.state === SequenceState.receiving, `sequence ${sequence.request} receives nothing`);
    this.#receiving.delete(sequence);
    this.#blocks.release(sequence);
    sequence.remote = false;
    sequence.state = SequenceState.waiting;
    this.#enqueue(sequence, true);
  }

  /** Nobody needs what a held sequence has computed any more. */
  release(sequence: Sequence): void {
    if (sequence.state !== SequenceState.held) return;
    this.#held.delete(sequence);
    this.#end(sequence, 'finished');
    if (this.#segment.active && !this.#settling) this.#admitAtNextStep();
    else if (!this.#settling) this.#startSegment();
  }

  #enqueue(sequence: Sequence, first = false): void {
    if (first) this.#waiting.putBack(sequence);
    else this.#waiting.push(sequence);
    if (this.#settling) return;
    if (!this.#segment.active) this.#startSegment();
    else if (first || this.#waiting.peek() === sequence) this.#admitAtNextStep();
  }

  /** The client has left: a waiting sequence ends now, a running one at the next step boundary. */
  abort(sequence: Sequence): void {
    if (sequence.state === SequenceState.ended || sequence.leaving) return;
    if (sequence.state === SequenceState.held || sequence.state === SequenceState.receiving) {
      this.#held.delete(sequence);
      this.#receiving.delete(sequence);
      this.#end(sequence, 'aborted');
      if (this.#segment.active && !this.#settling) this.#admitAtNextStep();
      return;
    }
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
    for (const sequence of [...this.#held, ...this.#receiving]) this.#end(sequence, 'cut');
    this.#held.clear();
    this.#receiving.clear();
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
      running: this.#running.length + this.#held.size,
      waiting: this.#waiting.size + this.#receiving.size,
      kvBlocksUsed: blocks,
      kvBlocksTotal: this.#blocks.total,
      busyMicros: this.#busyMicros + (active ? now - this.#segment.start : 0),
      kvBlockMicros: this.#kvBlockMicros + (now - this.#kvSince) * this.#blocks.used,
      promptTokens: this.#promptTokens,
      generationTokens: this.#generationTokens + (multiStep ? steps * this.#running.length : 0),
      preemptions: this.#preemptions,
      prefixQueries: this.#prefixQueries,
      prefixHits: this.#prefixHits,
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
      if (sequence.leg !== 'decode') this.#promptTokens += sequence.promptTokens;
      if (sequence.prefix !== undefined) {
        this.#prefixQueries += sequence.promptTokens;
        this.#prefixHits += sequence.computed;
      }
      this.#listener.admitted(sequence);
    }
    for (const sequence of plan.receiving) this.#receiving.add(sequence);
    for (const sequence of plan.receiving) this.#listener.receiving?.(sequence);
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
      const { scheduled, pending, generated: before } = sequence;
      sequence.scheduled = 0;
      if (scheduled < pending) {
        sequence.computed += scheduled;
        continue;
      }
      // A multi-step segment decodes; a mixed step emits one token, or with drafts one and those accepted.
      const emitted = steps > 1 || scheduled === pending ? steps : this.#emitted(sequence, scheduled);
      sequence.computed += pending + emitted - 1;
      sequence.generated += emitted;
      this.#generationTokens += emitted;
      if (sequence.tokenTimes !== undefined) {
        for (let token = 1; token <= emitted; token++) {
          sequence.tokenTimes.push(segment.endOfStep(Math.min(token, steps)));
        }
      }
      if (before === 0) this.#listener.firstToken(sequence);
      if (sequence.generated >= sequence.outputTokens) finished = true;
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
    for (const sequence of over) {
      if (sequence.generated < sequence.outputTokens) this.#end(sequence, 'aborted');
      else if (sequence.leg === 'prefill' && !sequence.leaving) this.#hold(sequence);
      else this.#end(sequence, 'finished');
    }
  }

  #hold(sequence: Sequence): void {
    sequence.state = SequenceState.held;
    this.#held.add(sequence);
    this.#listener.prefilled?.(sequence);
  }

  /** Tokens that a decode step with `verified` tokens emits: one, and the drafts accepted. */
  #emitted(sequence: Sequence, verified: number): number {
    const { acceptance } = this.spec.speculation!;
    const { seed } = this.#kernel.chance;
    return (
      1 +
      acceptedDrafts(verified - 1, acceptance, (draft) => counted(seed, sequence.request, sequence.generated + draft))
    );
  }

  #end(sequence: Sequence, reason: EndReason): void {
    if (sequence.leaving) this.#leaving--;
    sequence.state = SequenceState.ended;
    this.#blocks.release(sequence);
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
