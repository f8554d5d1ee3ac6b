import { loadJournalled, MachineHash, openRequests, readText, writeRequests } from '../files/index.ts';
import { type Micros, readJournal, UserError } from '../kernel/index.ts';
import { type Command, mistakeIn, World } from '../lab/index.ts';
import { judge } from '../scenario/index.ts';
import { ExitCode } from './exit.ts';
import type { OutputOptions, ScenarioOptions } from './options.ts';
import { reproduceReplay } from './reproduce.ts';
import { printVerdict } from './verdict-text.ts';

export interface ReplayOptions extends ScenarioOptions, OutputOptions {}

/**
 * `inferlab replay JOURNAL`: a live session again, in virtual time, from its journal alone; with another seed or
 * setting, what would have come of the same commands.
 */
export function replay(file: string, options: ReplayOptions): ExitCode {
  const name = file === '-' ? '<stdin>' : file;
  const journal = readJournal<Command>(readText(file === '-' ? 0 : file, name), name);
  if (options.requests !== undefined) openRequests(options.requests);
  const changed = options.seed !== undefined || options.set !== undefined;
  const loaded = loadJournalled({
    ...journal.header,
    seed: options.seed ?? journal.header.seed,
    settings: [...journal.header.settings, ...(options.set ?? [])],
  });
  const tokens = options.tokens === true ? new Map<number, readonly Micros[]>() : undefined;
  const world = new World(loaded.description, {
    traceHash: new MachineHash(),
    noTraffic: journal.header.noTraffic,
    ...(tokens === undefined ? {} : { tokenSink: (request, times) => tokens.set(request, times) }),
  });
  const began = performance.now();
  for (const [index, { at, command }] of journal.commands.entries()) {
    const mistake = mistakeIn(command, world.platform, world.cluster);
    // The header is the first line.
    if (mistake !== undefined) throw new UserError(mistake, { file: name, line: index + 2 });
    world.apply(at, command);
  }
  if (journal.end !== undefined) world.runUntil(journal.end.end);
  world.check();
  const verdict = judge(world, loaded.expectations, {
    wallSeconds: (performance.now() - began) / 1_000,
    reproduce: reproduceReplay(file, options),
  });
  if (options.requests !== undefined) writeRequests(options.requests, world, tokens);
  // With other settings it is another run: there is nothing to compare.
  const recorded = changed ? null : (journal.end?.traceHash ?? null);
  const same = recorded === null ? null : recorded === verdict.traceHash;
  if (options.json === true) {
    const told = { commands: journal.commands.length, recordedTraceHash: recorded, same };
    process.stdout.write(`${JSON.stringify({ ...verdict, replay: told })}\n`);
  } else {
    printVerdict(verdict, options);
    process.stdout.write(`${comparison(journal.commands.length, recorded, same)}\n`);
  }
  if (same === false) {
    process.stderr.write('inferlab: the replay differs from the session; was it recorded by another version?\n');
    return ExitCode.internal;
  }
  return verdict.verdict === 'pass' ? ExitCode.pass : ExitCode.fail;
}

function comparison(commands: number, recorded: string | null, same: boolean | null): string {
  if (same === null) return `replayed ${commands} commands; there is no trace hash to compare with`;
  if (same) return `replayed ${commands} commands; the trace hash is the live session's`;
  return `replayed ${commands} commands; the trace hash is NOT the live session's ${recorded}`;
}
