import { UserError } from '../kernel/index.ts';
import { compareInLab, type LabComparison, type LabComparisonOptions } from './compare-lab.ts';
import { compareLive, type LiveComparisonOptions } from './compare-live.ts';
import type { ComparedService, Question } from './compare-targets.ts';
import { comparisonText } from './compare-text.ts';
import { ExitCode } from './exit.ts';

export interface CompareOptions extends LabComparisonOptions, LiveComparisonOptions {
  readonly prompt: string;
  readonly maxTokens?: number;
  /** Names, separated by commas. */
  readonly services?: string;
  readonly timeout: number;
  readonly json?: boolean;
}

/** A prompt, and how the services answered it. */
export interface Comparison {
  readonly prompt: string;
  readonly maxTokens: number | null;
  /** Of a comparison in simulated time. */
  readonly lab: Omit<LabComparison, 'services'> | undefined;
  readonly services: readonly ComparedService[];
}

/** Columns of a page that is no terminal. */
const PAGE_WIDTH = 100;

/**
 * `inferlab compare`: one prompt to several text generation services at one moment, answers and figures side by side
 * (guide 1087-1106). With a scenario in simulated time; with URLs over sockets.
 */
export async function compare(file: string | undefined, options: CompareOptions): Promise<ExitCode> {
  checkUsage(file, options);
  const { prompt, maxTokens = null, timeout } = options;
  const question: Question = { prompt, maxTokens, timeoutMs: timeout / 1_000 };
  const names = options.services?.split(',').map((name) => name.trim());
  const comparison = { prompt, maxTokens, ...(await answers(file, names, question, options)) };
  if (options.json === true) {
    const { lab, ...rest } = comparison;
    process.stdout.write(`${JSON.stringify({ ...lab, ...rest })}\n`);
  } else {
    const { columns = PAGE_WIDTH, isTTY } = process.stdout;
    process.stdout.write(comparisonText(comparison, columns, isTTY));
  }
  return allAnswered(comparison.services, names !== undefined) ? ExitCode.pass : ExitCode.fail;
}

/** Whether all answered that were to. Who is of a kind that is never compared was only to if he was named. */
function allAnswered(services: readonly ComparedService[], areNamed: boolean): boolean {
  const due = areNamed ? services : services.filter(({ comparable }) => comparable);
  return due.length > 0 && due.every(({ answered }) => answered);
}

async function answers(
  file: string | undefined,
  names: readonly string[] | undefined,
  question: Question,
  options: CompareOptions,
): Promise<Pick<Comparison, 'lab' | 'services'>> {
  if (file === undefined) return { lab: undefined, services: await compareLive(names, question, options) };
  const { services, ...lab } = await compareInLab(file, names, question, options);
  return { lab, services };
}

/** @throws UserError for options that do not go together */
function checkUsage(file: string | undefined, options: CompareOptions): void {
  const { url, serve, prompt, services } = options;
  const given = { 'a scenario': file, '--url': url, '--serve': serve };
  const ways = Object.entries(given).flatMap(([way, value]) => (value === undefined ? [] : [way]));
  const [way] = ways;
  if (way === undefined) throw new UserError('nothing to compare; expected a scenario, --url or --serve');
  if (ways.length > 1) throw new UserError(`expected a scenario, --url or --serve; got ${ways.join(' and ')}`);
  for (const [flag, value, goesWith] of BELONGS) {
    if (value(options) === undefined || goesWith.includes(way)) continue;
    throw new UserError(`${flag} goes with ${goesWith.join(' or ')}, not with ${way}`);
  }
  if (prompt.trim() === '') throw new UserError('the prompt is empty; expected a text after --prompt');
  if (services?.split(',').some((name) => name.trim() === '')) {
    throw new UserError(`"${services}" names no service; expected names separated by commas`);
  }
}

/** Options that go with some ways of comparing only: each with its value, undefined when it is not given. */
const BELONGS: readonly (readonly [string, (options: CompareOptions) => unknown, readonly string[]])[] = [
  ['--services', ({ services }) => services, ['a scenario', '--serve']],
  ['--seed', ({ seed }) => seed, ['a scenario']],
  ['--set', ({ set }) => set, ['a scenario']],
  ['--at', ({ at }) => at, ['a scenario']],
  ['--no-traffic', ({ traffic }) => (traffic ? undefined : traffic), ['a scenario']],
  ['--model', ({ model }) => model, ['--url']],
  ['--api-key', ({ apiKey }) => apiKey, ['--url']],
  ['--api-key-env', ({ apiKeyEnv }) => apiKeyEnv, ['--url']],
];
