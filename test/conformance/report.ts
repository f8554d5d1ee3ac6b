/** `npm run conformance`: the rules of the platform's guide, the tests that show them, and how the tests do. */
import { Command } from 'commander';
import { runRules } from './citations.ts';
import type { GuideRule } from './guide-lines/rule.ts';
import { SECTIONS } from './guide-lines.ts';
import { type ConformanceRow, conformance, listProblems } from './table.ts';

async function main(options: { readonly json?: boolean }): Promise<void> {
  const { citations, broken } = await runRules();
  const { rows, untested, problems } = conformance(citations);
  process.stdout.write(options.json === true ? `${JSON.stringify(rows)}\n` : text(rows));
  if (untested.length > 0) process.stderr.write(untestedText(untested));
  const wrong = [...broken, ...listProblems(), ...problems];
  for (const problem of wrong) process.stderr.write(`${problem}\n`);
  if (wrong.length > 0 || rows.some(({ state }) => state === 'failed')) process.exitCode = 1;
}

function text(rows: readonly ConformanceRow[]): string {
  const parts = SECTIONS.map(({ name, from, to }) => {
    const its = rows.filter(({ line }) => line >= from && line <= to);
    return its.length === 0 ? '' : `${name}: ${counts(its)}\n${its.map(line).join('')}\n`;
  });
  return `${parts.join('')}${rows.length} rules: ${counts(rows)}\n`;
}

function untestedText(rules: readonly GuideRule[]): string {
  const missing = SECTIONS.map((section) => [section.name, section.rules.filter((rule) => rules.includes(rule)).length])
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${name} ${count}`);
  return `${rules.length} rules are listed and have no test yet: ${missing.join(', ')}\n`;
}

function line({ rule, line, test, state, reason }: ConformanceRow): string {
  return `  ${state.padEnd(8)}  ${String(line).padStart(5)}  ${rule}\n${' '.repeat(19)}${test ?? reason}\n`;
}

function counts(rows: readonly ConformanceRow[]): string {
  return (['passed', 'failed', 'skipped', 'left out'] as const)
    .map((state) => [rows.filter((row) => row.state === state).length, state] as const)
    .filter(([count]) => count > 0)
    .map(([count, state]) => `${count} ${state}`)
    .join(', ');
}

await new Command('conformance')
  .description("run the tests of the guide's rules, and print each rule with its line, its test and its state")
  .option('--json', 'print an array of {rule, line, test, state} and nothing else; rules left out have a reason')
  .action(main)
  .parseAsync();
