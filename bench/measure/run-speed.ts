import { inferlab, inferlabVerdict } from '../support/cli.ts';
import { median } from '../support/median.ts';
import { once } from '../support/once.ts';
import { AT_4X } from './azure.ts';

const PROCESSES = 5;
const H100 = 'scenarios/azure-conversation-h100.yaml';
const ASCEND = 'scenarios/azure-conversation-910b.yaml';

/** A run in processes of its own, medians of several. */
interface RunSpeed {
  readonly requestsPerSecond: number;
  /** What the verdict says. */
  readonly wallSeconds: number;
  /** From a process's start to its end, less what `inferlab validate` of the same file takes, less `wallSeconds`. */
  readonly untoldSeconds: number;
}

/** @throws when a request did not complete, or a run did not pass */
async function runSpeed(file: string, settings: readonly string[] = []): Promise<RunSpeed> {
  const sets = settings.flatMap((setting) => ['--set', setting]);
  const [rates, told, untold]: [number[], number[], number[]] = [[], [], []];
  for (let process = 0; process < PROCESSES; process++) {
    const start = await inferlab(['validate', file, ...sets]);
    if (start.code !== 0)
      throw new Error(`inferlab validate ${file} exited with ${start.code}: ${start.stderr.trim()}`);
    const { told: verdict, wallSeconds } = await inferlabVerdict(['run', file, ...sets]);
    const { completed, total } = verdict.requests;
    if (completed !== total) throw new Error(`${file}: ${total - completed} of ${total} requests did not complete`);
    rates.push(completed / verdict.wallSeconds);
    told.push(verdict.wallSeconds);
    untold.push(wallSeconds - start.wallSeconds - verdict.wallSeconds);
  }
  return { requestsPerSecond: median(rates), wallSeconds: median(told), untoldSeconds: median(untold) };
}

/** The Azure conversation trace on both accelerators, at its rate and at four times it. */
const azure = once(async () => ({
  h100: await runSpeed(H100),
  ascend: await runSpeed(ASCEND),
  h100Fast: await runSpeed(H100, AT_4X),
  ascendFast: await runSpeed(ASCEND, AT_4X),
}));

/** The slowest of the four. */
export async function azureRequestsPerSecond(): Promise<number> {
  return Math.min(...Object.values(await azure()).map(({ requestsPerSecond }) => requestsPerSecond));
}

/** The most of the four. */
export async function azureUntoldSeconds(): Promise<number> {
  return Math.max(...Object.values(await azure()).map(({ untoldSeconds }) => untoldSeconds));
}

/** The whole trace with prefix caching. @throws when a request is refused */
export async function mooncakeRequestsPerSecond(): Promise<number> {
  return (await runSpeed('scenarios/mooncake-conversation-h100.yaml')).requestsPerSecond;
}

/** `wallSeconds` of the run that the README shows. */
export async function readmeRunSeconds(): Promise<number> {
  return (await runSpeed(ASCEND)).wallSeconds;
}
