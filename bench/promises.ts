/** `npm run promises`: every figure that is stated, measured, beside its target. See README.md. */
import { Command } from 'commander';
import { PROMISES } from './promise-table.ts';
import { chosen, runCommand } from './support/command.ts';
import { figureText } from './support/figure-text.ts';
import { COMPARATORS, type PromiseRow } from './support/promise-row.ts';

interface Options {
  readonly json?: boolean;
  readonly only?: string;
  readonly quick?: boolean;
}

/** A promise beside what was found: what `--json` prints. */
interface Found {
  readonly name: string;
  /** Null when the measurement itself failed; `why` says how. */
  readonly figure: number | null;
  readonly unit: string;
  readonly target: string;
  readonly held: boolean;
  readonly command: string;
  readonly measures: string;
  readonly why?: string;
}

async function main(options: Options): Promise<void> {
  const rows = chosen(PROMISES, options.only).filter(({ quick }) => quick || options.quick !== true);
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  const found: Found[] = [];
  for (const row of rows) {
    const one = await find(row);
    found.push(one);
    if (options.json !== true) process.stdout.write(`${line(row, one, width)}\n`);
  }
  process.stdout.write(options.json === true ? `${JSON.stringify(found)}\n` : `\n${summary(found)}\n`);
  if (found.some(({ held }) => !held)) process.exitCode = 1;
}

async function find(row: PromiseRow): Promise<Found> {
  const { name, unit, command, measures } = row;
  const [comparator, number] = row.target;
  const target = `${comparator} ${number}`;
  try {
    const figure = await row.measure();
    return { name, figure, unit, target, held: COMPARATORS[comparator](figure, number), command, measures };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { name, figure: null, unit, target, held: false, command, measures, why };
  }
}

function line(
  { target: [comparator, number] }: PromiseRow,
  { name, figure, unit, held }: Found,
  width: number,
): string {
  const value = figure === null ? '-' : figureText(figure);
  return `${held ? 'held  ' : 'BROKEN'}  ${name.padEnd(width)}  ${value.padStart(10)} ${unit.padEnd(10)}  ${comparator} ${number.toLocaleString('en-US')}`;
}

function summary(found: readonly Found[]): string {
  const broken = found.filter(({ held }) => !held);
  const lines = broken.map(({ name, figure, target, unit, command, why }) => {
    const got = figure === null ? `no figure: ${why}` : `${figure} ${unit}, expected ${target}`;
    return `${name} does not hold: ${got}\n  ${command}`;
  });
  return [`${found.length - broken.length} of ${found.length} promises hold`, ...lines].join('\n');
}

const command = new Command('promises')
  .description('measure every figure that is stated, and say what does not hold (exit code 1)')
  .option('--json', 'print an array of {name, figure, unit, target, held, command} and nothing else')
  .option('--only <name>', 'one of them')
  .option('--quick', 'those alone that CI measures')
  .action(main);

await runCommand(command);
