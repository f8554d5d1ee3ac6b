/** `npm run bench`: how fast the built code is. See README.md. */
import { Command } from 'commander';
import { BENCHMARKS } from './benchmarks.ts';
import { type Benchmark, type Rate, RUNS, RUNS_SHORT, rateOf } from './support/benchmark.ts';
import { chosen, runCommand } from './support/command.ts';
import { figureText } from './support/figure-text.ts';

interface Options {
  readonly json?: boolean;
  readonly only?: string;
  readonly short?: boolean;
}

async function main(options: Options): Promise<void> {
  const runs = options.short === true ? RUNS_SHORT : RUNS;
  const table: readonly Benchmark[] = chosen(BENCHMARKS, options.only);
  const width = Math.max(...table.map(({ name }) => name.length));
  const results: (Rate & { name: string; unit: string })[] = [];
  for (const benchmark of table) {
    const { name, unit } = benchmark;
    const rate = await rateOf(benchmark, runs);
    results.push({ name, unit, ...rate });
    if (options.json !== true) process.stdout.write(`${line(name.padEnd(width), unit, rate)}\n`);
  }
  if (options.json === true) process.stdout.write(`${JSON.stringify(results)}\n`);
}

function line(name: string, unit: string, { median, min, max, runs }: Rate): string {
  const range = `min ${figureText(min)}, max ${figureText(max)}, ${runs} runs`;
  return `${name}  ${figureText(median).padStart(12)} ${unit.padEnd(10)}  (${range})`;
}

const command = new Command('bench')
  .description('measure how fast the built code is: the median of several runs')
  .option('--json', 'print an array of {name, median, unit, runs, min, max} and nothing else')
  .option('--only <name>', 'one of them')
  .option('--short', 'as few runs as a median takes')
  .action(main);

await runCommand(command);
