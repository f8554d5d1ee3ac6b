import type { BlockPool } from './block-pool.ts';
import { type Sequence, SequenceState } from './sequence.ts';
import type { EngineSpec, StepWork } from './spec.ts';
import type { WaitingQueue } from './waiting-queue.ts';

/** What the next step does. Reused from plan to plan: read it before the next. */
export interface StepPlan {
  readonly work: StepWork;
  /** Sequences that joined the batch. */
  readonly admitted: Sequence[];
  /** Sequences that lost their blocks and wait again. */
  readonly preempted: Sequence[];
  /** How many steps go on like this one when all of it is decoding; 0 when a prompt is being computed. */
  decodeSteps: number;
}

/**
 * Decides each step's batch by vLLM v1's rules (vllm/v1/core/sched/scheduler.py): running sequences first, in order
 * of admission, then waiting ones, within the token budget and the sequence cap; a prompt that exceeds what is left
 * of the budget is cut into chunks; when blocks run out the sequence admitted last gives its own back and is
 * computed again later; nobody is admitted in a step that preempted.
 */
export class BatchScheduler {
  readonly #spec: EngineSpec;
  readonly #running: Sequence[];
  readonly #waiting: WaitingQueue;
  readonly #blocks: BlockPool;
  readonly #plan: StepPlan = {
    work: { sequences: 0, newTokens: 0, contextTokens: 0, attentionPairs: 0 },
    admitted: [],
    preempted: [],
    decodeSteps: 0,
  };

  constructor(spec: EngineSpec, running: Sequence[], waiting: WaitingQueue, blocks: BlockPool) {
    this.#spec = spec;
    this.#running = running;
    this.#waiting = waiting;
    this.#blocks = blocks;
  }

  plan(): StepPlan {
    const plan = this.#plan;
    const { work } = plan;
    plan.admitted.length = 0;
    plan.preempted.length = 0;
    work.sequences = 0;
    work.newTokens = 0;
    work.contextTokens = 0;
    work.attentionPairs = 0;
    const left = this.#continueRunning(this.#spec.maxNumBatchedTokens);
    if (plan.preempted.length === 0) this.#admitWaiting(left);
    // Nobody is admitted in a step that preempted, so the step after it looks again.
    const steps = (): number => (plan.preempted.length > 0 ? 1 : this.#decodeSteps());
    plan.decodeSteps = this.#allDecode() ? steps() : 0;
    return plan;
  }

  /** Whether a sequence could join a decoding batch, as things stood at the last step boundary. */
  fitsNow(sequence: Sequence): boolean {
    const { maxNumSeqs, maxNumBatchedTokens } = this.#spec;
    const first = Math.min(sequence.pending, maxNumBatchedTokens - this.#running.length);
    return this.#running.length < maxNumSeqs && first > 0 && this.#blocks.blocksFor(first) <= this.#blocks.free;
  }

  /** KV blocks in use `steps` decode steps after the last settled one. */
  blocksAfter(steps: number): number {
    return this.#blocks.used + this.#blocksNeeded(steps);
  }

  /** Takes the blocks of tokens computed since the plan; a plan of several steps has made sure that they are there. */
  growBlocks(): void {
    for (const sequence of this.#running) {
      const needed = this.#blocks.blocksFor(sequence.computed);
      if (needed > sequence.blocks) {
        this.#blocks.take(needed - sequence.blocks);
        sequence.blocks = needed;
      }
    }
  }

  #continueRunning(budget: number): number {
    let left = budget;
    const running = this.#running;
    for (let index = 0; index < running.length; index++) {
      const sequence = running[index]!;
      const tokens = Math.min(sequence.pending, left);
      if (tokens === 0) {
        sequence.scheduled = 0;
        continue;
      }
      while (!this.#takeBlocks(sequence, tokens)) {
        if (this.#preemptLast() === sequence) break;
      }
      if (sequence.state !== SequenceState.running) break;
      this.#add(sequence, tokens);
      left -= tokens;
    }
    return left;
  }

  #admitWaiting(budget: number): void {
    let left = budget;
    while (left > 0 && this.#running.length < this.#spec.maxNumSeqs) {
      const sequence = this.#waiting.peek();
      if (sequence === undefined) return;
      const tokens = Math.min(sequence.pending, left);
      if (!this.#takeBlocks(sequence, tokens)) return;
      this.#waiting.shift();
      sequence.state = SequenceState.running;
      this.#running.push(sequence);
      this.#plan.admitted.push(sequence);
      this.#add(sequence, tokens);
      left -= tokens;
    }
  }

  #takeBlocks(sequence: Sequence, tokens: number): boolean {
    const more = this.#blocks.blocksFor(sequence.computed + tokens) - sequence.blocks;
    if (more <= 0) return true;
    if (!this.#blocks.take(more)) return false;
    sequence.blocks += more;
    return true;
  }

  /** Victims come from the end, so those already in this step's plan, at the front, are never taken back. */
  #preemptLast(): Sequence {
    const victim = this.#running.pop()!;
    this.#blocks.release(victim.blocks);
    victim.blocks = 0;
    victim.computed = 0;
    victim.scheduled = 0;
    victim.state = SequenceState.waiting;
    this.#waiting.unshift(victim);
    this.#plan.preempted.push(victim);
    return victim;
  }

  #add(sequence: Sequence, tokens: number): void {
    sequence.scheduled = tokens;
    const { work } = this.#plan;
    work.sequences++;
    work.newTokens += tokens;
    work.contextTokens += sequence.computed;
    work.attentionPairs += tokens * (sequence.computed + tokens / 2);
  }

  /** Every sequence of the batch is past its first token and emits one a step. */
  #allDecode(): boolean {
    if (this.#plan.work.newTokens !== this.#running.length || this.#running.length === 0) return false;
    for (const sequence of this.#running) if (sequence.pending !== 1 || sequence.generated === 0) return false;
    return true;
  }

  /** Steps until a sequence ends or blocks run out, whichever is first; blocks for the first step are taken. */
  #decodeSteps(): number {
    let steps = Number.POSITIVE_INFINITY;
    for (const sequence of this.#running) {
      const due = sequence.outputTokens - sequence.generated;
      if (due < steps) steps = due;
    }
    const { blockSize, free } = this.#blocks;
    if (this.#running.length * (Math.floor(steps / blockSize) + 1) <= free) return steps;
    let low = 1;
    let high = steps;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#blocksNeeded(middle) <= free) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #blocksNeeded(steps: number): number {
    let needed = 0;
    for (const sequence of this.#running) {
      const more = this.#blocks.blocksFor(sequence.computed + steps) - sequence.blocks;
      if (more > 0) needed += more;
    }
    return needed;
  }
}
