import type { EndReason } from '../../src/engine/index.ts';
import type { Story } from './engine-run.ts';

interface Reference {
  readonly request: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly tokenTimes: number[];
  computed: number;
  scheduled: number;
  blocks: number;
  leaving: boolean;
  preempted: number;
  endedAt: number;
  reason: EndReason | undefined;
}

interface Input {
  readonly at: number;
  /** Order at one instant. */
  readonly rank: number;
  readonly act: () => void;
}

/**
 * An engine that takes every step by itself: vLLM v1's rules written down as plainly as possible, with nothing kept
 * from one step to the next but the sequences. Slow, and right by inspection.
 */
export function runReference({ spec, arrivals, diesAt, slows }: Story): readonly Reference[] {
  const all: Reference[] = arrivals.map(({ promptTokens, outputTokens }, request) => ({
    request,
    promptTokens,
    outputTokens,
    tokenTimes: [],
    computed: 0,
    scheduled: 0,
    blocks: 0,
    leaving: false,
    preempted: 0,
    endedAt: -1,
    reason: undefined,
  }));
  let waiting: Reference[] = [];
  let running: Reference[] = [];
  let stepEnd = Number.POSITIVE_INFINITY;
  let now = 0;
  let slowdown = 1;
  let alive = true;

  const pending = (each: Reference): number => each.promptTokens + each.tokenTimes.length - each.computed;
  const end = (each: Reference, reason: EndReason): void => {
    each.endedAt = now;
    each.reason = reason;
    each.blocks = 0;
  };
  const take = (each: Reference, tokens: number): boolean => {
    const needed = Math.ceil((each.computed + tokens) / spec.blockSize);
    const held = [...running, ...waiting].reduce((sum, other) => sum + (other === each ? 0 : other.blocks), 0);
    if (held + Math.max(needed, each.blocks) > spec.kvBlocks) return false;
    each.blocks = Math.max(needed, each.blocks);
    each.scheduled = tokens;
    return true;
  };
  const startStep = (): void => {
    let budget = spec.maxNumBatchedTokens;
    let preempted = false;
    for (const each of running) each.scheduled = 0;
    for (let index = 0; index < running.length; index++) {
      const each = running[index]!;
      const tokens = Math.min(pending(each), budget);
      if (tokens === 0) continue;
      while (running.includes(each) && !take(each, tokens)) {
        const victim = running.pop()!;
        Object.assign(victim, { computed: 0, scheduled: 0, blocks: 0, preempted: victim.preempted + 1 });
        waiting.unshift(victim);
        preempted = true;
      }
      budget -= each.scheduled;
    }
    while (!preempted && budget > 0 && running.length < spec.maxNumSeqs && waiting.length > 0) {
      const each = waiting[0]!;
      if (!take(each, Math.min(pending(each), budget))) break;
      running.push(waiting.shift()!);
      budget -= each.scheduled;
    }
    const batch = running.filter((each) => each.scheduled > 0);
    if (batch.length === 0) {
      stepEnd = Number.POSITIVE_INFINITY;
      return;
    }
    const newTokens = batch.reduce((sum, each) => sum + each.scheduled, 0);
    const contextTokens = batch.reduce((sum, each) => sum + each.computed, 0);
    const attentionPairs = batch.reduce((sum, each) => sum + each.scheduled * (each.computed + each.scheduled / 2), 0);
    stepEnd =
      now + slowdown * spec.stepTime.stepMicros({ sequences: batch.length, newTokens, contextTokens, attentionPairs });
  };
  const endStep = (): void => {
    now = stepEnd;
    for (const each of running) {
      const emits = each.scheduled > 0 && each.scheduled === pending(each);
      each.computed += each.scheduled;
      if (emits) each.tokenTimes.push(now);
    }
    for (const each of running) {
      if (each.tokenTimes.length === each.outputTokens) end(each, 'finished');
      else if (each.leaving) end(each, 'aborted');
    }
    running = running.filter((each) => each.reason === undefined);
    startStep();
  };

  const inputs: Input[] = arrivals.flatMap(({ at, leavesAfter }, request) => {
    const each = all[request]!;
    const submit = (): void => {
      if (!alive) return;
      waiting.push(each);
      if (stepEnd === Number.POSITIVE_INFINITY) startStep();
    };
    const leave = (): void => {
      if (running.includes(each)) each.leaving = true;
      else if (waiting.includes(each)) {
        waiting = waiting.filter((other) => other !== each);
        end(each, 'aborted');
      }
    };
    const arrive = { at, rank: 0, act: submit };
    return leavesAfter === undefined ? [arrive] : [arrive, { at: at + leavesAfter, rank: 1, act: leave }];
  });
  for (const { at, factor } of slows ?? []) inputs.push({ at, rank: 2, act: () => void (slowdown = factor) });
  const die = (): void => {
    alive = false;
    for (const each of [...running.splice(0), ...waiting.splice(0)]) end(each, each.leaving ? 'aborted' : 'cut');
    stepEnd = Number.POSITIVE_INFINITY;
  };
  if (diesAt !== undefined) inputs.push({ at: diesAt, rank: 3, act: die });
  inputs.sort((a, b) => a.at - b.at || a.rank - b.rank);

  for (const { at, act } of inputs) {
    while (stepEnd <= at) endStep();
    now = at;
    act();
  }
  while (stepEnd < Number.POSITIVE_INFINITY) endStep();
  return all;
}
