import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExitCode } from './exit.ts';
import { run } from './run.ts';
import { serve } from './serve.ts';

/** The scenario that comes with the package. */
const QUICKSTART = fileURLToPath(new URL('../../scenarios/quickstart.yaml', import.meta.url));
const LAG_BUDGET_MS = 50;

/** `inferlab start [FILE]`: rehearses a scenario in virtual time, then serves it live. */
export async function start(file: string | undefined, options: { serve: boolean; port: number }): Promise<ExitCode> {
  const scenario = file ?? relative(process.cwd(), QUICKSTART);
  process.stdout.write(`rehearsing ${scenario} in virtual time\n\n`);
  const code = run(scenario, {});
  if (!options.serve || code !== ExitCode.pass) return code;
  process.stdout.write('serving it live\n\n');
  return serve(scenario, {
    host: '127.0.0.1',
    port: options.port,
    speed: 1,
    lagBudget: LAG_BUDGET_MS,
    traffic: true,
    log: 'silent',
  });
}
