import { azureConversationSeconds } from '../measure/azure.ts';
import { costExponent, millionRequestsGib } from '../measure/many-requests.ts';
import { gangMilliseconds, placementMib, placementSeconds } from '../measure/placement.ts';
import { queueingErrorPercent } from '../measure/queueing.ts';
import { azureRequestsPerSecond, azureUntoldSeconds, mooncakeRequestsPerSecond } from '../measure/run-speed.ts';
import { medianRate } from '../support/bench-process.ts';
import { only, type PromiseRow } from '../support/promise-row.ts';

const FAST_RUN =
  'node dist/cli/main.js run scenarios/azure-conversation-910b.yaml --set traffic.azure.arrivals.speed=4';

/** How fast it is, and how that grows. */
export const SPEED_PROMISES: readonly PromiseRow[] = [
  {
    name: 'kernel-events-per-second',
    measures:
      'events that the kernel schedules and runs a second on one core, 10,000 pending; median of several processes',
    target: ['>', 1_000_000],
    unit: 'events/s',
    quick: false,
    command: 'npm run bench -- --only kernel-events',
    measure: () => medianRate('kernel-events'),
  },
  {
    name: 'requests-per-second',
    measures: 'simulated requests a wall second, whole Azure conversation trace; the slower of H100 and Ascend 910B',
    target: ['>', 5_000],
    unit: 'requests/s',
    quick: true,
    command: 'npm run bench -- --only requests-azure-conversation-910b',
    measure: async () =>
      Math.min(
        await medianRate('requests-azure-conversation-h100'),
        await medianRate('requests-azure-conversation-910b'),
      ),
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
    name: 'requests-per-second-100k',
    measures:
      "`inferlab run`: requests over the verdict's wallSeconds, Azure conversation trace, at its rate and at 4x; the slowest of H100 and Ascend 910B, medians of several processes",
    target: ['>=', 100_000],
    unit: 'requests/s',
    quick: false,
    command: FAST_RUN,
    measure: azureRequestsPerSecond,
  },
  {
    name: 'requests-per-second-100k-warm',
    measures: 'the same worlds composed, run and judged again and again in a process whose code is compiled',
    target: ['>=', 100_000],
    unit: 'requests/s',
    quick: false,
    command: 'npm run bench -- --only requests-azure-conversation-910b-4x',
    measure: async () =>
      Math.min(
        await medianRate('requests-azure-conversation-h100'),
        await medianRate('requests-azure-conversation-910b'),
        await medianRate('requests-azure-conversation-h100-4x'),
        await medianRate('requests-azure-conversation-910b-4x'),
      ),
  },
  {
    name: 'wall-seconds-untold',
    measures:
      "wall time of the same processes, less what `inferlab validate` takes, that the verdict's wallSeconds leaves out; the most of the four",
    target: ['<=', 0.1],
    unit: 's',
    quick: false,
    command: `time ${FAST_RUN}`,
    measure: azureUntoldSeconds,
  },
  {
    name: 'engine-alone-requests-per-second',
    measures: 'the same trace fed to 8 engines directly, median of several; the slower of H100 and Ascend 910B',
    target: ['>=', 250_000],
    unit: 'requests/s',
    quick: false,
    command: 'npm run bench -- --only engine-requests',
    measure: async () => Math.min(await medianRate('engine-requests'), await medianRate('engine-requests-h100')),
  },
  {
    name: 'mooncake-requests-per-second',
    measures:
      "`inferlab run`: requests over the verdict's wallSeconds, Mooncake conversation trace with prefix caching, none refused; median of several processes",
    target: ['>=', 20_000],
    unit: 'requests/s',
    quick: false,
    command: 'node dist/cli/main.js run scenarios/mooncake-conversation-h100.yaml',
    measure: mooncakeRequestsPerSecond,
  },
  {
    name: 'million-requests-memory-gib',
    measures: 'the most memory that `inferlab run` had for 1,000,000 Poisson requests on 8 x H100 (peak RSS)',
    target: ['<', 2],
    unit: 'GiB',
    quick: false,
    command: only('million-requests-memory-gib'),
    measure: millionRequestsGib,
  },
  {
    name: 'cost-growth',
    measures:
      'wall time grows as requests to this power, fitted from 1,000 to 1,000,000 Poisson requests (with a plot)',
    target: ['<=', 1.1],
    unit: 'exponent',
    quick: false,
    command: only('cost-growth'),
    measure: costExponent,
  },
  {
    name: 'placement-1000-nodes-100000-pods',
    measures: '100,000 pods placed one at a time on 1,000 nodes by high availability; median of several processes',
    target: ['<', 5],
    unit: 's',
    quick: false,
    command: 'npm run bench -- --only placement-1000-nodes-100000-pods',
    measure: placementSeconds,
  },
  {
    name: 'placement-1000-nodes-100000-pods-memory',
    measures: 'the most memory of a process that places them (peak RSS)',
    target: ['<', 1_024],
    unit: 'MiB',
    quick: true,
    command: only('placement-1000-nodes-100000-pods-memory'),
    measure: placementMib,
  },
  {
    name: 'gang-1000-pods-100-nodes',
    measures: '1,000 pods placed as one gang on 100 nodes by high availability; median of several processes',
    target: ['<', 100],
    unit: 'ms',
    quick: true,
    command: 'npm run bench -- --only gang-1000-pods-100-nodes',
    measure: gangMilliseconds,
  },
  {
    name: 'queueing-theory-error',
    measures:
      "M/D/1 and M/G/1 waits, Little's law and the decode batch, loads 0.5 to 0.9, 1 and 4 million requests: the worst error; every 95 % interval holds the theory",
    target: ['<=', 2],
    unit: '%',
    quick: false,
    command: only('queueing-theory-error'),
    measure: queueingErrorPercent,
  },
];
