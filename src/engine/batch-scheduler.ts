import type { KvCache } from './kv-cache.ts';
import { type Sequence, SequenceState } from './sequence.ts';
import type { EngineSpec, StepWork } from './spec.ts';
import { rank, type WaitingQueue } from './waiting-queue.ts';

/** What the next step does. Reused from plan to plan: read it before the next. */
export interface StepPlan {
  readonly work: Required<StepWork>;
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
 * not hold up those behind it while its keys and values are on their way. Where other engines differ is said at
 * {@link BatchingPolicy}.
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
  /** Prompts and decoding share steps. */
  readonly #mixes: boolean;
  /** Prompts are cut; else each is computed in one step, its blocks reserved to the end of its answer. */
  readonly #chunks: boolean;
  /** Of the plan being made: sequences that decode, and the fewest tokens that one of them has yet to emit. */
  #decoding = 0;
  #fewestDue = Number.POSITIVE_INFINITY;
  readonly #plan: StepPlan = {
    work: {
      sequences: 0,
      newTokens: 0,
      contextTokens: 0,
      attentionPairs: 0,
      promptSequences: 0,
      promptTokens: 0,
      promptContext: 0,
      promptPairs: 0,
    },
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
    this.#mixes = spec.batching !== 'sglang';
    this.#chunks = spec.batching !== 'trtllm';
  }

  plan(): StepPlan {
    const plan = this.#plan;
    const { work } = plan;
    // Setting a length is slow even when it changes nothing.
    if (plan.admitted.length > 0) plan.admitted.length = 0;
    if (plan.receiving.length > 0) plan.receiving.length = 0;
    if (plan.preempted.length > 0) plan.preempted.length = 0;
    work.sequences = 0;
    work.newTokens = 0;
    work.contextTokens = 0;
    work.attentionPairs = 0;
    work.promptSequences = 0;
    work.promptTokens = 0;
    work.promptContext = 0;
    work.promptPairs = 0;
    this.#decoding = 0;
    this.#fewestDue = Number.POSITIVE_INFINITY;
    if (this.#mixes || !this.#planPrompts()) {
      const left = this.#continueRunning(this.#spec.maxNumBatchedTokens);
      if (plan.preempted.length === 0) this.#admitWaiting(left, this.#mixes);
    }
    plan.decodeSteps = this.#perDecode === 1 ? this.#decodeSteps() : 0;
    return plan;
  }

  /** Whether a sequence could join a decoding batch, as things stood at the last step boundary. */
  fitsNow(sequence: Sequence): boolean {
    const { maxNumSeqs, maxNumBatchedTokens } = this.#spec;
    const blocks = this.#blocks;
    if (this.#running.length >= maxNumSeqs) return false;
    if (sequence.remote) return this.#admits(blocks.blocksFor(this.#lastToken(sequence, sequence.pending)), sequence);
    const cached = sequence.computed === 0 ? blocks.cachedTokens(sequence) : 0;
    const left = maxNumBatchedTokens - (this.#mixes ? this.#running.length * this.#perDecode : 0);
    const whole = sequence.pending - cached;
    const first = this.#chunks ? Math.min(whole, left) : whole;
    const last = this.#lastToken(sequence, sequence.computed + cached + first);
    const needed = blocks.blocksFor(last) - sequence.blocks - blocks.blocksFor(cached);
    return left > 0 && first > 0 && this.#admits(needed, sequence);
  }

  /** KV blocks in use `steps` decode steps after the last settled one. */
  blocksAfter(steps: number): number {
    return this.#blocks.used + this.#blocksNeeded(steps);
  }

  /** A step of prompts alone. @returns false where there is none to compute */
  #planPrompts(): boolean {
    const first = this.#waiting.peek();
    const waits = first !== undefined && !first.remote && first.pending > 1 && this.fitsNow(first);
    if (!waits && !this.#running.some(({ pending }) => pending > 1)) return false;
    const left = this.#continueRunning(this.#spec.maxNumBatchedTokens, true);
    if (this.#plan.preempted.length === 0) this.#admitWaiting(left);
    return this.#plan.work.sequences > 0;
  }

  #continueRunning(budget: number, promptsOnly = false): number {
    let left = budget;
    const running = this.#running;
    for (let index = 0; index < running.length; index++) {
      const sequence = running[index]!;
      const tokens = Math.min(this.#wanted(sequence), left);
      if (tokens === 0 || (promptsOnly && sequence.pending === 1)) {
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

  #admitWaiting(budget: number, prompts = true): void {
    let left = budget;
    const blocks = this.#blocks;
    while (left > 0 && this.#running.length < this.#spec.maxNumSeqs) {
      const sequence = this.#waiting.peek();
      if (sequence === undefined) return;
      if (sequence.remote) {
        const last = this.#lastToken(sequence, sequence.pending);
        if (!this.#admits(blocks.blocksFor(last), sequence)) return;
        this.#waiting.shift();
        blocks.reserve(sequence, last);
        sequence.state = SequenceState.receiving;
        this.#plan.receiving.push(sequence);
        continue;
      }
      if (!prompts && sequence.pending > 1) return;
      const empty = sequence.blocks === 0;
      if (empty) blocks.share(sequence, blocks.cachedTokens(sequence));
      const wanted = this.#wanted(sequence);
      const tokens = this.#chunks ? Math.min(wanted, left) : wanted;
      const last = this.#lastToken(sequence, sequence.computed + tokens);
      const needed = blocks.blocksFor(last) - sequence.blocks;
      const waits = tokens > left && this.#plan.work.promptSequences > 0;
      if (waits || !this.#admits(needed, sequence) || !blocks.reserve(sequence, last)) {
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

  /**
   * Whether a sequence may take `needed` more blocks. The watermark binds nobody who needs none, or who would be alone
   * in the cache: such a one would wait for ever.
   */
  #admits(needed: number, sequence: Sequence): boolean {
    const { free, used } = this.#blocks;
    const bound = needed > 0 && used > sequence.blocks;
    return needed + (bound ? this.#reserve : 0) <= free;
  }

  /** Admission reserves blocks up to this token: those of the step, or all that there will be. */
  #lastToken(sequence: Sequence, computed: number): number {
    return this.#chunks ? computed : Math.max(computed, sequence.promptTokens + sequence.outputTokens);
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
    const pairs = sequence.scheduled * (sequence.computed + sequence.scheduled / 2);
    work.attentionPairs -= pairs;
    if (sequence.pending === 1) {
      if (sequence.generated > 0) this.#decoding--;
      return;
    }
    work.promptSequences--;
    work.promptTokens -= sequence.scheduled;
    work.promptContext -= sequence.computed;
    work.promptPairs -= pairs;
  }

  #add(sequence: Sequence, tokens: number): void {
    sequence.scheduled = tokens;
    const { work } = this.#plan;
    work.sequences++;
    work.newTokens += tokens;
    work.contextTokens += sequence.computed;
    const pairs = tokens * (sequence.computed + tokens / 2);
    work.attentionPairs += pairs;
    if (sequence.pending === 1) {
      if (sequence.generated === 0) return;
      this.#decoding++;
      const due = sequence.outputTokens - sequence.generated;
      if (due < this.#fewestDue) this.#fewestDue = due;
      return;
    }
    work.promptSequences++;
    work.promptTokens += tokens;
    work.promptContext += sequence.computed;
    work.promptPairs += pairs;
  }

  /**
   * Steps until a sequence ends or blocks run out, whichever is first; blocks for the first step are taken. 0 unless
   * every sequence of the batch is past its first token and emits one a step.
   */
  #decodeSteps(): number {
    if (this.#running.length === 0 || this.#decoding < this.#running.length) return 0;
    // Nobody is admitted in a step that preempted, so the step after it looks again.
    if (this.#plan.preempted.length > 0) return 1;
    const steps = this.#fewestDue;
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
