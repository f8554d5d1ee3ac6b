import type { LoadedScenario } from '../files/index.ts';
import type { ScenarioOptions } from './options.ts';

/** The command that gives this run again. */
export function reproduceRun(file: string, { description, settings }: LoadedScenario): string {
  const sets = settings.map((setting) => `--set ${quote(setting)}`);
  const command = ['inferlab run', quote(file), `--seed ${description.seed}`, ...sets].join(' ');
  return file === '-' ? `${command} < SCENARIO` : command;
}

export function reproduceReplay(file: string, { seed, set = [] }: ScenarioOptions): string {
  const changes = [
    ...(seed === undefined ? [] : [`--seed ${seed}`]),
    ...set.map((setting) => `--set ${quote(setting)}`),
  ];
  return ['inferlab replay', quote(file), ...changes].join(' ') + (file === '-' ? ' < JOURNAL' : '');
}

export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
