import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inferlab, scratch } from '../support/cli.ts';

const folder = scratch();
const TABLE = join(folder, 'mine.csv');
const OPTIONS = ['--accelerator', 'h100', '--model', 'llama-3.1-8b'];
writeFileSync(TABLE, 'concurrency,isl,osl,ttft_ms,tpot_ms\n1,512,64,70,11.2\n8,512,64,110,12.4\n32,512,64,240,15.9\n');

test('inferlab calibrate prints points, errors and what to paste', async () => {
  const { code, stdout, stderr } = await inferlab(['calibrate', TABLE, ...OPTIONS]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toContain('8 clients, 512/64');
  expect(stdout).toMatch(/each left out in turn +[\d.]+ % +[\d.]+ %/);
  expect(stdout).toMatch(/Tier: fitted \(n 3, MAPE [\d.]+ %\)/);
  expect(stdout).toContain('  stepTime:\n    kind: roofline\n');
});

test('inferlab calibrate --json prints one object', async () => {
  const { code, stdout } = await inferlab(['calibrate', TABLE, ...OPTIONS, '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    accelerator: 'h100',
    model: 'llama-3.1-8b',
    points: [{ measured: { ttft: 70, tpot: 11.2 } }, {}, {}],
    errors: { before: {}, after: {}, leftOut: { tpot: { n: 3 } } },
    evidence: { tier: 'fitted', n: 3 },
    snippet: expect.stringContaining('kind: roofline'),
  });
});

test.each([
  [
    ['--accelerator', 'h10', '--model', 'llama-3.1-8b'],
    '--accelerator: there is no "h10" in the catalogue; did you mean',
  ],
  [
    ['--accelerator', 'h100', '--model', 'llama-3-8b'],
    '--model: there is no "llama-3-8b" in the catalogue; did you mean',
  ],
  [[...OPTIONS, '--precision', 'fp9'], '--precision: there is no "fp9"; did you mean'],
  [[...OPTIONS, '--parallel', '0'], 'expected a whole number, 1 or more'],
])('%j is refused', async (options, message) => {
  const { code, stderr } = await inferlab(['calibrate', TABLE, ...options]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
