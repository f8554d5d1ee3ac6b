import { type BenchmarkName, benchmark } from './benchmarks.ts';
import { azureConversationSeconds, azureDistinctHashes, azureShareRight } from './measure/azure.ts';
import { badScenarios } from './measure/bad-scenarios.ts';
import { labDifferences, labHashes, retryAfterWallSeconds } from './measure/lab-client.ts';
import { liveDifferences } from './measure/live-client.ts';
import { replaysThatDiffer } from './measure/replay.ts';
import { seedsThatDiffer } from './measure/seeds.ts';
import { RUNS, rateOf } from './support/benchmark.ts';

/** How a figure must stand to its target. */
export const COMPARATORS = {
  '<': (figure: number, target: number) => figure < target,
  '<=': (figure: number, target: number) => figure <= target,
  '=': (figure: number, target: number) => figure === target,
  '>=': (figure: number, target: number) => figure >= target,
  '>': (figure: number, target: number) => figure > target,
} as const;
export type Comparator = keyof typeof COMPARATORS;

/** A figure that the README, the docs or an issue's bar states. */
export interface PromiseRow {
  readonly name: string;
  /** What is measured, and how. */
  readonly measures: string;
  readonly target: readonly [Comparator, number];
  readonly unit: string;
  /** Takes seconds, and holds by far on a busy machine if it holds at all: CI measures it. */
  readonly quick: boolean;
  /** What anybody can run to see it. */
  readonly command: string;
  /** The figure. What it throws is why there is none; the promise does not hold then. */
  measure(): Promise<number>;
}

const only = (name: string): string => `npm run promises -- --only ${name}`;
const median = async (name: BenchmarkName): Promise<number> => (await rateOf(benchmark(name), RUNS)).median;

/** Every promise. One that does not hold is shown as such, never removed. */
export const PROMISES: readonly PromiseRow[] = [
  {
    name: 'kernel-events-per-second',
    measures: 'events that the kernel schedules and runs a second on one core, 10,000 pending; median of several runs',
    target: ['>', 1_000_000],
    unit: 'events/s',
    quick: false,
    command: 'npm run bench -- --only kernel-events',
    measure: () => median('kernel-events'),
  },
  {
    name: 'requests-per-second',
    measures: 'simulated requests a wall second, whole Azure conversation trace; the slower of H100 and Ascend 910B',
    target: ['>', 5_000],
    unit: 'requests/s',
    quick: true,
    command: 'npm run bench -- --only requests-azure-conversation-910b',
    measure: async () =>
      Math.min(await median('requests-azure-conversation-h100'), await median('requests-azure-conversation-910b')),
  },
  {
    name: 'azure-conversation-seconds',
    measures:
      'wall time of `inferlab run` on the whole trace, process start to exit; the slower of H100 and Ascend 910B',
    target: ['<', 10],
    unit: 's',
    quick: true,
    command: 'time node dist/cli/main.js run scenarios/azure-conversation-910b.yaml',
    measure: azureConversationSeconds,
  },
  {
    name: 'azure-requests-complete',
    measures: "trace rows whose request completed with the row's prompt and output tokens, of the four Azure scenarios",
    target: ['=', 1],
    unit: 'of rows',
    quick: true,
    command: 'node dist/cli/main.js run scenarios/azure-conversation-910b.yaml --requests requests.jsonl',
    measure: azureShareRight,
  },
  {
    name: 'azure-hash-stable',
    measures: 'distinct trace hashes of two runs, one with --check-determinism; the most of the four Azure scenarios',
    target: ['=', 1],
    unit: 'hashes',
    quick: true,
    command: 'node dist/cli/main.js run scenarios/azure-conversation-910b.yaml --check-determinism',
    measure: azureDistinctHashes,
  },
  {
    name: 'hashes-over-100-seeds',
    measures: 'seeds from 1 to 100 whose two runs of the quickstart have different trace hashes',
    target: ['=', 0],
    unit: 'seeds',
    quick: true,
    command: 'node dist/cli/main.js run scenarios/quickstart.yaml --seed 42 --check-determinism',
    measure: seedsThatDiffer,
  },
  {
    name: 'openai-live-ttft-difference-ms',
    measures: 'median of |client - simulation|: TTFT of 50 concurrent openai streams over sockets, begun 40 ms apart',
    target: ['<=', 5],
    unit: 'ms',
    quick: false,
    command: only('openai-live-ttft-difference-ms'),
    measure: async () => (await liveDifferences()).ttftMs,
  },
  {
    name: 'openai-live-tpot-difference-ms',
    measures: 'median of |client - simulation|: TPOT of 50 concurrent openai streams over sockets, begun 40 ms apart',
    target: ['<=', 5],
    unit: 'ms',
    quick: false,
    command: only('openai-live-tpot-difference-ms'),
    measure: async () => (await liveDifferences()).tpotMs,
  },
  {
    name: 'openai-lab-ttft-difference-us',
    measures: 'largest |client - simulation|: TTFT of 50 openai streams in lab.run, by the client-side clock',
    target: ['=', 0],
    unit: 'µs',
    quick: true,
    command: only('openai-lab-ttft-difference-us'),
    measure: async () => (await labDifferences()).ttftMicros,
  },
  {
    name: 'openai-lab-tpot-difference-us',
    measures: 'largest |client - simulation|: TPOT of 50 openai streams in lab.run, by the client-side clock',
    target: ['=', 0],
    unit: 'µs',
    quick: true,
    command: only('openai-lab-tpot-difference-us'),
    measure: async () => (await labDifferences()).tpotMicros,
  },
  {
    name: 'openai-lab-hashes',
    measures:
      "distinct trace hashes of 100 lab.runs with 11 openai streams, one broken off, and the scenario's traffic",
    target: ['=', 1],
    unit: 'hashes',
    quick: true,
    command: only('openai-lab-hashes'),
    measure: labHashes,
  },
  {
    name: 'retry-after-90-wall-seconds',
    measures: 'wall time in which the openai client obeys a 429 with Retry-After 90, in lab.run',
    target: ['<', 1],
    unit: 's',
    quick: true,
    command: only('retry-after-90-wall-seconds'),
    measure: retryAfterWallSeconds,
  },
  {
    name: 'replay-same-hash',
    measures:
      'live sessions (speed 1 and 20; 100 clients, 50 streaming, 10 leave, 10 refused; traffic; a pod dies; every core busy) whose replay has another hash or other token times',
    target: ['=', 0],
    unit: 'sessions',
    quick: false,
    command: only('replay-same-hash'),
    measure: replaysThatDiffer,
  },
  {
    name: 'bad-scenarios',
    measures: 'malformed scenarios among the fixtures that `inferlab validate` refuses with exactly the tested message',
    target: ['>=', 20],
    unit: 'fixtures',
    quick: true,
    command: 'node dist/cli/main.js validate test/fixtures/bad/09-wrong-type.yaml',
    measure: async () => (await badScenarios()).exact,
  },
  {
    name: 'bad-scenarios-inexact',
    measures: 'malformed scenarios among the fixtures that `inferlab validate` accepts or refuses with another message',
    target: ['=', 0],
    unit: 'fixtures',
    quick: true,
    command: only('bad-scenarios-inexact'),
    measure: async () => (await badScenarios()).others,
  },
];
