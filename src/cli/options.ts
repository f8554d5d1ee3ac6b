import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Micros, SPEED_MAX, SPEED_MIN } from '../kernel/index.ts';
import { parseDuration } from '../scenario/index.ts';

/** What every command that takes a scenario takes. */
export interface ScenarioOptions {
  readonly seed?: number;
  readonly set?: string[];
}

/** What every command that ends in a verdict takes. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly requests?: string;
  readonly tokens?: boolean;
}

export function addScenarioOptions(command: Command): Command {
  return command
    .option('--seed <n>', "the seed of all chance, instead of the scenario's", wholeNumber)
    .option('--set <path=value>', 'lay a value over the scenario (repeatable)', collect);
}

export function addOutputOptions(command: Command): Command {
  return command
    .option('--json', 'print the verdict as one JSON object')
    .option('--requests <file>', 'write one JSON line a request', outputFile)
    .option('--tokens', 'with --requests: the moment of every token too');
}

export function speedOption(): Option {
  return new Option('--speed <factor>', 'simulated seconds per second, 0.1 to 100').default(1).argParser((text) => {
    const speed = Number(text);
    if (!(speed >= SPEED_MIN && speed <= SPEED_MAX)) {
      throw new InvalidArgumentError(`expected a number from ${SPEED_MIN} to ${SPEED_MAX}.`);
    }
    return speed;
  });
}

export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0 || text.trim() === '') {
    throw new InvalidArgumentError('expected a whole number, 0 or more.');
  }
  return number;
}

export function count(text: string): number {
  const number = wholeNumber(text);
  if (number === 0) throw new InvalidArgumentError('expected a whole number, 1 or more.');
  return number;
}

export function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port > 65_535) throw new InvalidArgumentError('expected a port, 0 to 65535.');
  return port;
}

export function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0) || !Number.isFinite(number)) throw new InvalidArgumentError('expected a number above 0.');
  return number;
}

export function duration(text: string): Micros {
  const found = parseDuration(text);
  if (found === undefined) throw new InvalidArgumentError('expected a duration such as 500ms, 30s or 1m30s.');
  return found;
}

/** A file to write. Standard output has the command's answer, and nothing else. */
export function outputFile(text: string): string {
  if (text === '-') throw new InvalidArgumentError('standard output has the verdict; expected a file.');
  return text;
}

/** Of an option that may be given several times. */
export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}
