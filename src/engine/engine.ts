import {
  after,
  assert,
  type EventKind,
  type EventToken,
  type Kernel,
  type Micros,
  NEVER,
  NO_EVENT,
  Turnover,
} from '../kernel/index.ts';
import { BatchScheduler, type StepPlan } from './batch-scheduler.ts';
import { EngineCounters } from './counters.ts';
import { KvCache } from './kv-cache.ts';
import type { EngineFigures, EngineListener, StepFigures } from './listener.ts';
import { Segment } from './segment.ts';
import { type EndReason, type Sequence, SequenceState } from './sequence.ts';
import type { EngineSpec } from './spec.ts';
import { FirstComeQueue, PriorityQueue, type WaitingQueue } from './waiting-queue.ts';

/** Kinds of event that the engines of a world share: subject is the engine's number. */
export interface EngineEvents {
  readonly stepEnd: EventKind;
  /** Argument is the order of a sequence that is through the front end. */
  readonly entry: EventKind;
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
  readonly #events: EngineEvents;
  readonly #listener: EngineListener;
  readonly #waiting: WaitingQueue;
  readonly #running: Sequence[] = [];
  readonly #blocks: KvCache;
  readonly #scheduler: BatchScheduler;
  readonly #segment: Segment;
  #token: EventToken = NO_EVENT;
  #slowdown = 1;
  #stalled = false;
  #leaving = 0;
  /** Sequences that are not through the front end yet, by order of arrival. */
  readonly #entering = new Turnover<Sequence>();
  /** Prompts computed for other engines to fetch, and sequences whose keys and values are on their way. */
  readonly #held = new Set<Sequence>();
  readonly #receiving = new Set<Sequence>();
  #arrivals = 0;
  /** A plan is about to be made or being made: what changes meanwhile is seen by it, or by the next at once. */
  #settling = false;
  #changed = false;
  #diedAt: Micros = NEVER;
  readonly #counters: EngineCounters;

  constructor(id: number, spec: EngineSpec, kernel: Kernel, events: EngineEvents, listener: EngineListener) {
    this.id = id;
    this.spec = spec;
    this.startedAt = kernel.now;
    this.#counters = new EngineCounters(kernel.now, spec.speculation);
    this.#kernel = kernel;
    this.#events = events;
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
    assert(this.alive, () => `sequence ${sequence.request} submitted to dead engine ${this.id}`);
    sequence.order = this.#arrivals++;
    const { frontEnd } = this.spec;
    if (frontEnd === undefined || sequence.leg === 'decode') {
      this.#enqueue(sequence);
      return;
    }
    this.#entering.add(sequence.order, sequence);
    const delay = Math.round(frontEnd.fixedMicros + frontEnd.perTokenMicros * sequence.promptTokens) as Micros;
    this.#kernel.schedule(this.#events.entry, after(this.#kernel.now, delay), this.id, sequence.order);
  }

  /** To be called when the event scheduled for a sequence's entry comes up. */
  onEntry(order: number): void {
    const sequence = this.#entering.get(order);
    // Its client or its engine may be gone.
    if (this.#entering.delete(order)) this.#enqueue(sequence!);
  }

  /** The keys and values of a receiving sequence have come: it takes its place at the next step boundary. */
  receive(sequence: Sequence): void {
    assert(sequence.state === SequenceState.receiving, () => `sequence ${sequence.request} receives nothing`);
    this.#receiving.delete(sequence);
    sequence.remote = false;
    sequence.computed = sequence.pending - 1;
    sequence.state = SequenceState.waiting;
    this.#enqueue(sequence, true);
  }

  /** They will not come: the prompt is computed here. */
  recompute(sequence: Sequence): void {
    assert(sequence.state === SequenceState.receiving, () => `sequence ${sequence.request} receives nothing`);
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
    this.#wake();
  }

  #enqueue(sequence: Sequence, first = false): void {
    if (first) this.#waiting.putBack(sequence);
    else this.#waiting.push(sequence);
    if (!this.#segment.active || first || this.#waiting.peek() === sequence) this.#wake();
  }

  /** The queue or the free blocks have changed: whoever can join does so at the next step boundary, which is now if idle. */
  #wake(): void {
    if (this.#settling) this.#changed = true;
    else if (this.#segment.active) this.#admitAtNextStep();
    else this.#startSegment();
  }

  /** The client has left: a waiting sequence ends now, a running one at the next step boundary. */
  abort(sequence: Sequence): void {
    if (sequence.state === SequenceState.ended || sequence.leaving) return;
    if (sequence.state === SequenceState.held || sequence.state === SequenceState.receiving) {
      this.#held.delete(sequence);
      this.#receiving.delete(sequence);
      this.#end(sequence, 'aborted');
      this.#wake();
      return;
    }
    const entering = this.#entering.delete(sequence.order);
    if (entering || sequence.state === SequenceState.waiting) {
      if (!entering) this.#waiting.forget();
      this.#end(sequence, 'aborted');
      // It may have held up the one behind it.
      if (!entering) this.#wake();
      return;
    }
    sequence.leaving = true;
    this.#leaving++;
    if (!this.#settling && this.#segment.active) this.#endSegmentAtNextStep();
  }

  /** From the next step on, steps take `factor` times as long. */
  slowDown(factor: number): void {
    this.#slowdown = factor;
    if (this.#segment.active) this.#endSegmentAtNextStep();
  }

  /**
   * A stalled engine takes sequences in and computes nothing: the step in progress is lost, and begins anew when it is
   * stalled no longer.
   */
  setStalled(stalled: boolean): void {
    if (stalled === this.#stalled || !this.alive) return;
    this.#stalled = stalled;
    if (stalled) {
      this.#kernel.cancel(this.#token);
      this.#interruptSegment();
      return;
    }
    this.#startSegment();
    // Whoever has left meanwhile is gone after a step.
    if (this.#leaving > 0 && this.#segment.active) this.#endSegmentAtNextStep();
  }

  /** The process is gone: steps that have ended by now count, the one in progress does not; every sequence is cut. */
  die(): void {
    if (!this.alive) return;
    this.#diedAt = this.#kernel.now;
    this.#kernel.cancel(this.#token);
    this.#interruptSegment();
    this.#counters.countBlocks(this.#kernel.now, this.#blocks.used, this.#blocks.used);
    // Nothing starts here any more.
    this.#settling = true;
    for (const sequence of this.#running.splice(0)) this.#end(sequence, sequence.leaving ? 'aborted' : 'cut');
    for (const sequence of [...this.#held, ...this.#receiving, ...this.#entering.values()]) this.#end(sequence, 'cut');
    for (const gone of [this.#held, this.#receiving, this.#entering]) gone.clear();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#end(next, 'cut');
    this.#listener.died?.();
  }

  /** Ends the segment now: steps that have ended count, the one in progress is lost. */
  #interruptSegment(): void {
    if (!this.#segment.active) return;
    const { now } = this.#kernel;
    const ended = this.#segment.stepsEndedBy(now);
    this.#counters.busyMicros += now - this.#segment.endOfStep(ended);
    if (ended > 0) this.#settle(ended);
    else for (const sequence of this.#running) sequence.scheduled = 0;
    this.#segment.stop();
    this.#settling = false;
  }

  /** To be called when the event scheduled for this engine comes up. */
  onStepEnd(): void {
    assert(this.#segment.active, () => `engine ${this.id} has no step in progress`);
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
    const { now } = this.#kernel;
    const { active, multiStep } = this.#segment;
    const steps = active ? this.#segment.stepsEndedBy(now) : 0;
    const blocks = steps > 0 && multiStep ? this.#scheduler.blocksAfter(steps) : this.#blocks.used;
    return {
      running: this.#running.length + this.#held.size,
      waiting: this.#waiting.size + this.#receiving.size + this.#entering.size,
      kvBlocksUsed: blocks,
      kvBlocksTotal: this.#blocks.total,
      busyMicros: this.#counters.busyMicros + (active ? now - this.#segment.start : 0),
      kvBlockMicros: this.#counters.kvBlockMicros + (now - this.#counters.kvSince) * this.#blocks.used,
      promptTokens: this.#counters.promptTokens,
      generationTokens: this.#counters.generationTokens + (multiStep ? steps * this.#running.length : 0),
      preemptions: this.#counters.preemptions,
      prefixQueries: this.#counters.prefixQueries,
      prefixHits: this.#counters.prefixHits,
      held: this.#held.size,
      receiving: this.#receiving.size,
    };
  }

  stepFigures(): StepFigures {
    const { active, multiStep } = this.#segment;
    const ended = active && multiStep ? this.#segment.stepsEndedBy(this.#kernel.now) : 0;
    return this.#counters.stepFigures(ended, this.#running.length);
  }

  #startSegment(): void {
    if (this.#stalled) return;
    const now = this.#kernel.now;
    this.#counters.countBlocks(now, this.#blocks.used, this.#blocks.used);
    const plan = this.#plan();
    if (this.#running.length === 0) return;
    if (plan.decodeSteps > 0) this.#segment.startDecode(now, plan.decodeSteps, plan.work, this.#slowdown);
    else this.#segment.startMixed(now, plan.work, this.#slowdown);
    this.#token = this.#kernel.schedule(this.#events.stepEnd, this.#segment.end, this.id);
  }

  /**
   * Plans the next step and tells who is concerned. Planned again, at the same moment, when what they were told has
   * changed the queue, and when all that ran have been preempted: a scheduler without work to do asks again at once.
   */
  #plan(): StepPlan {
    for (;;) {
      this.#changed = false;
      this.#settling = true;
      const plan = this.#scheduler.plan();
      for (const sequence of plan.preempted) {
        this.#counters.preemptions++;
        this.#listener.preempted(sequence);
      }
      for (const sequence of plan.admitted) if (!sequence.admitted) this.#onAdmitted(sequence);
      for (const sequence of plan.receiving) this.#receiving.add(sequence);
      for (const sequence of plan.receiving) this.#listener.receiving?.(sequence);
      this.#settling = false;
      if (!this.#changed && (this.#running.length > 0 || plan.preempted.length === 0)) return plan;
    }
  }

  #onAdmitted(sequence: Sequence): void {
    sequence.admitted = true;
    if (sequence.generated > 0) this.#counters.handedOverTokens += sequence.promptTokens;
    if (sequence.leg !== 'decode') {
      this.#counters.promptTokens += sequence.promptTokens;
      if (sequence.prefix !== undefined) {
        this.#counters.prefixQueries += sequence.promptTokens;
        this.#counters.prefixHits += sequence.computed;
      }
    }
    this.#listener.admitted(sequence);
  }

  /** Ends the segment early if the first in the queue could then join the batch. */
  #admitAtNextStep(): void {
    const first = this.#waiting.peek();
    if (first !== undefined && this.#scheduler.fitsNow(first)) this.#endSegmentAtNextStep();
  }

  #endSegmentAtNextStep(): void {
    if (this.#segment.steps === 1) return;
    const steps = this.#segment.stepsEndedBy(this.#kernel.now) + 1;
    if (steps >= this.#segment.steps) return;
    this.#segment.shorten(steps);
    this.#kernel.cancel(this.#token);
    this.#token = this.#kernel.schedule(this.#events.stepEnd, this.#segment.end, this.id);
  }

  /** Accounts for the first `steps` steps of the segment, ends what has ended and closes the segment. */
  #settle(steps: number): void {
    const segment = this.#segment;
    const ended = segment.endOfStep(steps);
    this.#settling = true;
    this.#counters.busyMicros += ended - segment.start;
    const blocksBefore = this.#blocks.used;
    let finished = this.#leaving > 0;
    let made = 0;
    let prompts = 0;
    for (const sequence of this.#running) {
      const { scheduled, pending, generated: before } = sequence;
      sequence.scheduled = 0;
      if (scheduled < pending) {
        sequence.computed += scheduled;
        this.#blocks.grow(sequence);
        continue;
      }
      // A multi-step segment decodes; a mixed step emits one token, or with drafts one and those accepted.
      const verifies = steps === 1 && scheduled > pending;
      const emitted = verifies ? this.#counters.verified(this.#kernel.chance.seed, sequence, scheduled) : steps;
      made += emitted;
      sequence.computed += pending + emitted - 1;
      sequence.generated += emitted;
      this.#blocks.grow(sequence);
      if (sequence.tokenTimes !== undefined) segment.addTokenTimes(sequence.tokenTimes, emitted, steps);
      if (before === 0) {
        prompts += sequence.promptTokens;
        if (sequence.pooling) made--;
        this.#listener.firstToken(sequence);
      }
      if (sequence.generated >= sequence.outputTokens) finished = true;
    }
    this.#counters.countBlocks(ended, blocksBefore, this.#blocks.used);
    this.#counters.countSteps(steps, made, prompts);
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
    while (running.length > kept) running.pop();
    for (const sequence of over) {
      if (sequence.generated < sequence.outputTokens) this.#end(sequence, 'aborted');
      else if (sequence.leg === 'prefill') this.#hold(sequence);
      else this.#end(sequence, 'finished');
    }
  }

  #hold(sequence: Sequence): void {
    sequence.state = SequenceState.held;
    this.#held.add(sequence);
    this.#listener.prefilled?.(sequence);
  }

  #end(sequence: Sequence, reason: EndReason): void {
    if (sequence.leaving) this.#leaving--;
    sequence.state = SequenceState.ended;
    this.#blocks.release(sequence);
    this.#listener.ended(sequence, reason);
  }
}
