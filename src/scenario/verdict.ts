import type { World } from '../lab/index.ts';
import type { UnitEvidence } from '../platform/index.ts';
import type { PlatformEvent } from '../telemetry/index.ts';
import type { Expectation } from './expressions.ts';
import { type Figures, figuresOf } from './figures.ts';

/** The version of the JSON verdict. Fields are only ever added. */
export const VERDICT_FORMAT = 1;

/** How true to the clock a live session was. */
export interface LiveFigures {
  readonly speed: number;
  /** How late deliveries left, wall milliseconds. */
  readonly lagMs: {
    readonly count: number;
    readonly p50: number | null;
    readonly p99: number | null;
    readonly max: number | null;
  };
  /** The most that `lagMs.p99 x speed` may be, simulated milliseconds. */
  readonly lagBudgetMs: number;
  /** What clients measured is what was simulated, within the budget. */
  readonly trusted: boolean;
}

/** What came of a run: the object that `--json` prints. */
export interface Verdict extends Figures {
  readonly verdictFormat: typeof VERDICT_FORMAT;
  readonly scenario: string;
  readonly seed: number;
  /** SHA-256 of the canonical trace: equal for equal runs. */
  readonly traceHash: string;
  /** From the first simulated event to this verdict. */
  readonly wallSeconds: number;
  readonly expectations: readonly { readonly name: string; readonly held: boolean; readonly detail: string }[];
  /** Traffic that never began, because its service never ran: the verdict is then a failure. */
  readonly trafficNeverBegun: readonly string[];
  /** Requests that nothing would ever have ended: the verdict is then a failure. */
  readonly requestsNeverEnded: number;
  /** Entries of the timeline for which the run was over too soon. */
  readonly timelineNotReached: number;
  /** Events with their occurrences, in order; `at` and `lastAt` in simulated seconds. */
  readonly eventLog: readonly (Omit<PlatformEvent, 'firstAt' | 'lastAt'> & {
    readonly at: number;
    readonly lastAt: number;
  })[];
  /** For each unit: how far its step times, and so every latency here, are to be believed. */
  readonly evidence: readonly UnitEvidence[];
  readonly live?: LiveFigures;
  /** The command that gives this run again; null when nothing does: a live session without a journal. */
  readonly reproduce: string | null;
  readonly verdict: 'pass' | 'fail';
}

/** What the shell knows of a run besides the world. */
export interface RunFacts {
  readonly wallSeconds: number;
  readonly reproduce: string | null;
  readonly live?: LiveFigures;
}

/**
 * Judges a world that has run: it passes when every expectation holds, all traffic could begin and no request
 * hangs for ever.
 * @throws UserError when an expectation cannot be evaluated over these figures
 */
export function judge(world: World, expectations: readonly Expectation[], facts: RunFacts): Verdict {
  const figures = figuresOf(world);
  const judged = expectations.map(({ name, evaluate }) => ({ name, ...evaluate(figures) }));
  const trafficNeverBegun = world.traffic.neverBegun;
  const requestsNeverEnded = world.neverEnded;
  const ran = trafficNeverBegun.length === 0 && requestsNeverEnded === 0;
  return {
    verdictFormat: VERDICT_FORMAT,
    scenario: world.description.name,
    seed: world.description.seed,
    traceHash: world.kernel.trace.digest(),
    wallSeconds: facts.wallSeconds,
    ...figures,
    expectations: judged,
    trafficNeverBegun,
    requestsNeverEnded,
    timelineNotReached: world.timelineLeft,
    eventLog: world.events.all().map(({ firstAt, lastAt, ...event }) => ({
      ...event,
      at: firstAt / 1e6,
      lastAt: lastAt / 1e6,
    })),
    evidence: world.platform.evidence(),
    ...(facts.live === undefined ? {} : { live: facts.live }),
    reproduce: facts.reproduce,
    verdict: ran && judged.every(({ held }) => held) ? 'pass' : 'fail',
  };
}
