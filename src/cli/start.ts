import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../kernel/index.ts';
import { ExitCode } from './exit.ts';
import type { ScenarioOptions } from './options.ts';
import { run } from './run.ts';
import { serve } from './serve.ts';

/** The scenario that comes with the package. */
const QUICKSTART = fileURLToPath(new URL('../../scenarios/quickstart.yaml', import.meta.url));
const LAG_BUDGET_MS = 50;

export interface StartOptions extends ScenarioOptions {
  readonly serve: boolean;
  readonly port: number;
  readonly json?: boolean;
}

/** `inferlab start [FILE]`: rehearses a scenario in virtual time, then serves it live. */
export async function start(file: string | undefined, options: StartOptions): Promise<ExitCode> {
  if (file === '-') throw new UserError('start reads its scenario twice; expected a file, not standard input');
  const scenario = file ?? relative(process.cwd(), QUICKSTART);
  const { serve: goesOn, port, ...rest } = options;
  const say = (text: string): void => {
    if (options.json !== true) process.stdout.write(`${text}\n\n`);
  };
  say(`rehearsing ${scenario} in virtual time`);
  const code = run(scenario, rest);
  if (!goesOn || code !== ExitCode.pass) return code;
  say('serving it live');
  return serve(scenario, {
    ...rest,
    host: '127.0.0.1',
    port,
    speed: 1,
    lagBudget: LAG_BUDGET_MS,
    traffic: true,
    log: 'silent',
  });
}
