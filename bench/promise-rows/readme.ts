import { siliconRows } from '../measure/fidelity.ts';
import { streamingMinuteMs } from '../measure/lab-client.ts';
import { readmeLinesThatDiffer } from '../measure/readme.ts';
import { readmeRunSeconds } from '../measure/run-speed.ts';
import { only, type PromiseRow } from '../support/promise-row.ts';
import { stated } from '../support/readme.ts';

/** What the README states and no other row does. The targets are the numbers in it. */
export const README_PROMISES: readonly PromiseRow[] = [
  {
    name: 'readme-trace-seconds',
    measures: "the run that the README shows: its verdict's wallSeconds, median of several processes",
    target: ['<=', stated(/requests over eight engines, in ([\d.]+) seconds/)],
    unit: 's',
    quick: false,
    command: 'node dist/cli/main.js run scenarios/azure-conversation-910b.yaml',
    measure: readmeRunSeconds,
  },
  {
    name: 'readme-verdict-lines',
    measures: 'lines of the verdict in the README that the command beside it prints otherwise, wall time apart',
    target: ['=', 0],
    unit: 'lines',
    quick: true,
    command: 'node dist/cli/main.js run scenarios/azure-conversation-910b.yaml',
    measure: readmeLinesThatDiffer,
  },
  {
    name: 'readme-fidelity-rows',
    measures: 'measured configurations that `inferlab fidelity` replays',
    target: ['=', stated(/replays ([\d,]+) measured/)],
    unit: 'rows',
    quick: false,
    command: 'node dist/cli/main.js fidelity --table silicon',
    measure: siliconRows,
  },
  {
    name: 'lab-streaming-minute-ms',
    measures: 'wall time of more than a simulated minute that an openai client streams through, in lab.run',
    target: ['<', 1_000],
    unit: 'ms',
    quick: true,
    command: only('lab-streaming-minute-ms'),
    measure: streamingMinuteMs,
  },
];
