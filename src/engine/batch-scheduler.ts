import type { KvCache } from './kv-cache.ts';
import { type Sequence, SequenceState } from './sequence.ts';
import type { EngineSpec, StepWork } from './spec.ts';
import { rank, type WaitingQueue } from './waiting-queue.ts';

/** What the next step does. Reused from plan to plan: read it before the next. */
export interface StepPlan {
  readonly work: StepWork;
  /** Sequences that joined the batch. */
  readonly admitted: Sequence[];
  /** Sequences whose blocks are reserved and whose keys and values are to come from another engine. */
  readonly receiving: Sequence[];
  /** Sequences that lost their blocks and wait again. */
  readonly preempted: Sequence[];
  /** How many steps go on like this one when all of it is decoding; 0 when a prompt is being computed. */
  decodeSteps: number;
}

/**
 * Decides each step's batch by vLLM v1's rules (vllm/v1/core/sched/scheduler.py): running sequences first, in order
 * of admission, then waiting ones, within the token budget and the sequence cap; a prompt that exceeds what is left
 * of the budget is cut into chunks; what the cache holds of a prompt is not computed again; when blocks run out the
 * sequence admitted last (by priority: the lowest) gives its own back and is computed again later; nobody is admitted
 * in a step that preempted. A sequence whose prompt another engine computes reserves its blocks in its turn, and does
 * not hold up those behind it while its keys and values are on their way.
 */
export class BatchScheduler {
  readonly #spec: EngineSpec;
  readonly #running: Sequence[];
  readonly #waiting: WaitingQueue;
  readonly #blocks: KvCache;
  /** Blocks that admission leaves free. */
  readonly #reserve: number;
  /** Tokens that a decoding sequence computes in a step. */
  readonly #perDecode: number;
  readonly #plan: StepPlan = {
    work: { sequences: 0, newTokens: 0, contextTokens: 0, attentionPairs: 0 },
    admitted: [],
    receiving: [],
    preempted: [],
    decodeSteps: 0,
  };

  constructor(spec: EngineSpec, running: Sequence[], waiting: WaitingQueue, blocks: KvCache) {
    this.#spec = spec;
    this.#running = running;
    this.#waiting = waiting;
    this.#blocks = blocks;
    this.#reserve = Math.floor((spec.watermark ?? 0) * blocks.total);
    this.#perDecode = 1 + (spec.speculation?.draftTokens ?? 0);
  }

  plan(): StepPlan {
    const plan = this.#plan;
    const { work } = plan;
    plan.admitted.length = 0;
    plan.receiving.length = 0;
    plan.preempted.length = 0;
    work.sequences = 0;
    work.newTokens = 0;
    work.contextTokens = 0;
    work.attentionPairs = 0;
    const left = this.#continueRunning(this.#spec.maxNumBatchedTokens);
    if (plan.preempted.length === 0) this.#admitWaiting(left);
    // Nobody is admitted in a step that preempted, so the step after it looks again.
    const steps = (): number => (plan.preempted.length > 0 ? 1 : this.#decodeSteps());
    plan.decodeSteps = this.#perDecode === 1 && this.#allDecode() ? steps() : 0;
    return plan;
  }

  /** Whether a sequence could join a decoding batch, as things stood at the last step boundary. */
  fitsNow(sequence: Sequence): boolean {
    const { maxNumSeqs, maxNumBatchedTokens } = this.#spec;
    const blocks = this.#blocks;
    if (sequence.remote) return blocks.blocksFor(sequence.pending) + this.#reserve <= blocks.free;
    const cached = sequence.computed === 0 ? blocks.cachedTokens(sequence) : 0;
    const first = Math.min(sequence.pending - cached, maxNumBatchedTokens - this.#running.length * this.#perDecode);
    const needed = blocks.blocksFor(sequence.computed + cached + first) - sequence.blocks - blocks.blocksFor(cached);
    return this.#running.length < maxNumSeqs && first > 0 && needed + this.#reserve <= blocks.free;
  }

  /** KV blocks in use `steps` decode steps after the last settled one. */
  blocksAfter(steps: number): number {
    return this.#blocks.used + this.#blocksNeeded(steps);
  }

  /** Takes the blocks of tokens computed since the plan; a plan of several steps has made sure that they are there. */
  growBlocks(): void {
    for (const sequence of this.#running) {
      this.#blocks.reserve(sequence, sequence.computed);
      if (sequence.prefix !== undefined) this.#blocks.publish(sequence);
    }
  }

  #continueRunning(budget: number): number {
    let left = budget;
    const running = this.#running;
    for (let index = 0; index < running.length; index++) {
      const sequence = running[index]!;
      const tokens = Math.min(this.#wanted(sequence), left);
      if (tokens === 0) {
        sequence.scheduled = 0;
        continue;
      }
      while (!this.#blocks.reserve(sequence, sequence.computed + tokens)) {
        if (this.#preempt() === sequence) break;
        // A victim before this one, by priority, moves it forward.
        index = running.indexOf(sequence);
      }
      if (sequence.state !== SequenceState.running) {
        index = Math.min(index, running.length) - 1;
        continue;
      }
      this.#add(sequence, tokens);
      left -= tokens;
    }
    return left;
  }

  #admitWaiting(budget: number): void {
    let left = budget;
    const blocks = this.#blocks;
    while (left > 0 && this.#running.length < this.#spec.maxNumSeqs) {
      const sequence = this.#waiting.peek();
      if (sequence === undefined) return;
      if (sequence.remote) {
        if (blocks.blocksFor(sequence.pending) + this.#reserve > blocks.free) return;
        this.#waiting.shift();
        blocks.reserve(sequence, sequence.pending);
        sequence.state = SequenceState.receiving;
        this.#plan.receiving.push(sequence);
        continue;
      }
      const empty = sequence.blocks === 0;
      if (empty) blocks.share(sequence, blocks.cachedTokens(sequence));
      const tokens = Math.min(this.#wanted(sequence), left);
      const needed = blocks.blocksFor(sequence.computed + tokens) - sequence.blocks;
      if (needed + this.#reserve > blocks.free || !blocks.reserve(sequence, sequence.computed + tokens)) {
        // What came over a link stays; what was only found in the cache is given back.
        if (empty) this.#giveBack(sequence);
        return;
      }
      this.#waiting.shift();
      sequence.state = SequenceState.running;
      this.#running.push(sequence);
      this.#plan.admitted.push(sequence);
      this.#add(sequence, tokens);
      left -= tokens;
    }
  }

  /** Tokens that a sequence would compute in this step: drafted ones are verified along with a decode's one. */
  #wanted(sequence: Sequence): number {
    const { pending } = sequence;
    if (this.#perDecode === 1 || pending !== 1 || sequence.generated === 0) return pending;
    return Math.min(this.#perDecode, sequence.outputTokens - sequence.generated);
  }

  /** Victims come from the end, or by priority from wherever the lowest stands. */
  #preempt(): Sequence {
    const running = this.#running;
    let at = running.length - 1;
    if (this.#spec.schedulingPolicy === 'priority') {
      for (let index = 0; index < running.length; index++) if (rank(running[index]!, running[at]!) > 0) at = index;
    }
    const [victim] = running.splice(at, 1) as [Sequence];
    if (victim.scheduled > 0) this.#remove(victim);
    this.#giveBack(victim);
    victim.state = SequenceState.waiting;
    this.#waiting.putBack(victim);
    this.#plan.preempted.push(victim);
    return victim;
  }

  #giveBack(sequence: Sequence): void {
    this.#blocks.release(sequence);
    sequence.computed = 0;
    sequence.scheduled = 0;
  }

  #remove(sequence: Sequence): void {
    const { work } = this.#plan;
    work.sequences--;
    work.newTokens -= sequence.scheduled;
    work.contextTokens -= sequence.computed;
    work.attentionPairs -= sequence.scheduled * (sequence.computed + sequence.scheduled / 2);
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
