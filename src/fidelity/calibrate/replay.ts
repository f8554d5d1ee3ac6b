import type { StepTimeScalars } from '../../catalog/index.ts';
import type { EngineSpec } from '../../engine/index.ts';
import { Chance, fromSeconds, type Micros } from '../../kernel/index.ts';
import { closedLoop } from '../harness/closed-loop.ts';
import { closedLoopRequests, type Requests } from '../harness/load.ts';
import { openLoop } from '../harness/open-loop.ts';
import { type Lengths, type MeasuredPoint, meanOf, SPREAD } from './points.ts';
import { type CalibrationSetup, engineOf } from './setup.ts';

export interface Prediction {
  readonly ttft: number;
  readonly tpot: number;
  readonly throughput: number;
}

/** What a set of scalars makes of every point. Points are told by their index. */
export type Predict = (point: number, scalars: StepTimeScalars) => Prediction;

/** The seed of all arrivals and lengths drawn here: the same file gives the same fit on every machine. */
const SEED = 1;
/** Tokeniser, HTTP and first stream for each prompt token: what the catalogue's fits assume, milliseconds. */
export const TOKENISER_MS = 0.002;
/** Requests of an open loop whose file tells no number: two minutes, within bounds. */
const OPEN_SECONDS = 120;
const OPEN_LEAST = 100;
const OPEN_MOST = 2_000;

/**
 * Replays points on real engines. Every replay is kept: the front end delays answers and no step, so that a fit, its
 * derivatives and its cross-validation ask for the same ones over and over.
 */
export function replayer(setup: CalibrationSetup, points: readonly MeasuredPoint[]): Predict {
  const loads = points.map(loadOf);
  const known = points.map(() => new Map<string, Prediction>());
  return (point, scalars) => {
    const key = JSON.stringify({ ...scalars, frontEndMillis: 0 });
    const cache = known[point]!;
    let bare = cache.get(key);
    if (bare === undefined) cache.set(key, (bare = loads[point]!(engineOf(setup, scalars))));
    const frontEnd = scalars.frontEndMillis + TOKENISER_MS * meanOf(points[point]!.prompt);
    return { ...bare, ttft: bare.ttft + frontEnd };
  };
}

function loadOf({ load, prompt, output, requests: told }: MeasuredPoint): (spec: EngineSpec) => Prediction {
  const each = prompt.kind === 'each' ? prompt.tokens.length : undefined;
  if (load.kind === 'closed') {
    const clients = Math.max(1, Math.round(load.clients));
    const count = each ?? Math.max(1, Math.round(told ?? closedLoopRequests(clients)));
    const requests = draw(count, prompt, output);
    return (spec) => predictionOf(closedLoop(spec, { clients, requests, frontEndMs: () => 0 }));
  }
  const usual = Math.min(OPEN_MOST, Math.max(OPEN_LEAST, OPEN_SECONDS * load.rate));
  const count = each ?? Math.max(1, Math.round(told ?? usual));
  const requests = { ...draw(count, prompt, output), at: arrivals(count, load.rate, load.arrivals) };
  return (spec) => predictionOf(openLoop(spec, { requests, engines: 1, frontEndMs: 0 }));
}

function predictionOf(outcome: { ttftMs: number; tpotMs: number; outputTokensPerSecond: number }): Prediction {
  return { ttft: outcome.ttftMs, tpot: outcome.tpotMs, throughput: outcome.outputTokensPerSecond };
}

function draw(count: number, prompt: Lengths, output: Lengths): Requests {
  const chance = new Chance(SEED);
  const tokens = (lengths: Lengths, name: string): Int32Array => {
    if (lengths.kind === 'each') return Int32Array.from(lengths.tokens);
    const uniform = chance.stream(name);
    const half = SPREAD * lengths.deviation;
    return Int32Array.from({ length: count }, () => Math.max(1, Math.round(lengths.mean + half * (2 * uniform() - 1))));
  };
  return { promptTokens: tokens(prompt, 'prompts'), outputTokens: tokens(output, 'outputs') };
}

function arrivals(count: number, rate: number, pattern: 'poisson' | 'constant'): Micros[] {
  const uniform = new Chance(SEED).stream('arrivals');
  let seconds = 0;
  return Array.from({ length: count }, () => {
    const at = fromSeconds(seconds);
    seconds += (pattern === 'constant' ? 1 : -Math.log(1 - uniform())) / rate;
    return at;
  });
}
