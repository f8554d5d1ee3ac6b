import {
  type LoadedScenario,
  loadScenarioFile,
  MachineHash,
  openRequests,
  TraceFile,
  writeRequests,
} from '../files/index.ts';
import type { Micros } from '../kernel/index.ts';
import { World } from '../lab/index.ts';
import { judge, type Verdict } from '../scenario/index.ts';
import { ExitCode } from './exit.ts';
import type { OutputOptions, ScenarioOptions } from './options.ts';
import { Progress } from './progress.ts';
import { reproduceRun } from './reproduce.ts';
import { printVerdict } from './verdict-text.ts';

export interface RunOptions extends ScenarioOptions, OutputOptions {
  readonly checkDeterminism?: boolean;
  readonly trace?: string;
}

/** Simulated events between two looks at the terminal. */
const EVENTS_PER_LOOK = 50_000;

/** `inferlab run FILE`: a scenario in virtual time, to its verdict. */
export function run(file: string, options: RunOptions): ExitCode {
  const loaded = loadScenarioFile(file, { seed: options.seed, settings: options.set });
  if (options.requests !== undefined) openRequests(options.requests);
  const verdict = simulate(loaded, file, options);
  if (options.checkDeterminism === true) {
    const again = simulate(loaded, file, {});
    if (again.traceHash !== verdict.traceHash) {
      throw new Error(`two runs of one scenario differ: ${verdict.traceHash} and ${again.traceHash}`);
    }
    if (options.json !== true) process.stdout.write('determinism: a second run gave the same trace hash\n\n');
  }
  printVerdict(verdict, options);
  return verdict.verdict === 'pass' ? ExitCode.pass : ExitCode.fail;
}

function simulate(loaded: LoadedScenario, file: string, options: RunOptions): Verdict {
  const tokens = options.tokens === true ? new Map<number, readonly Micros[]>() : undefined;
  const lines = options.trace === undefined ? undefined : new TraceFile(options.trace);
  const world = new World(loaded.description, {
    traceHash: new MachineHash(),
    ...(tokens === undefined ? {} : { tokenSink: (request, times) => tokens.set(request, times) }),
    ...(lines === undefined ? {} : { traceSink: (line) => lines.write(line) }),
  });
  const progress = new Progress(world);
  const began = performance.now();
  while (!world.run(EVENTS_PER_LOOK)) progress.show();
  world.check();
  const facts = { reproduce: reproduceRun(file, loaded), wallSeconds: 0 };
  const verdict = judge(world, loaded.expectations, facts);
  const wallSeconds = (performance.now() - began) / 1_000;
  progress.clear();
  lines?.close();
  if (options.requests !== undefined) writeRequests(options.requests, world, tokens);
  return { ...verdict, wallSeconds };
}
