import { azureDistinctHashes, azureShareRight } from './measure/azure.ts';
import { badScenarios } from './measure/bad-scenarios.ts';
import { labDifferences, labHashes, retryAfterWallSeconds } from './measure/lab-client.ts';
import { liveDifferences } from './measure/live-client.ts';
import { replaysThatDiffer } from './measure/replay.ts';
import { seedsThatDiffer } from './measure/seeds.ts';
import { FIDELITY_PROMISES } from './promise-rows/fidelity.ts';
import { LIVE_PROMISES } from './promise-rows/live.ts';
import { README_PROMISES } from './promise-rows/readme.ts';
import { SPEED_PROMISES } from './promise-rows/speed.ts';
import { only, type PromiseRow } from './support/promise-row.ts';

/** Every promise. One that does not hold is shown as such, never removed. */
export const PROMISES: readonly PromiseRow[] = [
  ...SPEED_PROMISES,
  ...LIVE_PROMISES,
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
  ...README_PROMISES,
  ...FIDELITY_PROMISES,
];
