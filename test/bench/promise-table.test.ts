import { expect, test } from 'vitest';
import { BENCHMARKS } from '../../bench/benchmarks.ts';
import { PROMISES } from '../../bench/promise-table.ts';
import { COMPARATORS } from '../../bench/support/promise-row.ts';

test('every promise says what is measured, against what, and how to see it', () => {
  for (const { name, measures, target, unit, command } of PROMISES) {
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(measures).not.toBe('');
    expect(unit).not.toBe('');
    expect(Object.keys(COMPARATORS)).toContain(target[0]);
    expect(target[1]).toBeTypeOf('number');
    expect(command).toMatch(/^(time )?(npm|node) /);
  }
});

test.each([
  ['promise', PROMISES],
  ['benchmark', BENCHMARKS],
] as const)('no two rows have the name of one %s', (_, rows) => {
  const names = rows.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test('a command that names a row names one that exists', () => {
  const names = new Set<string>([...PROMISES, ...BENCHMARKS].map(({ name }) => name));
  const named = PROMISES.flatMap(({ command }) => /--only (\S+)/.exec(command)?.[1] ?? []);
  expect(named.filter((name) => !names.has(name))).toEqual([]);
});
