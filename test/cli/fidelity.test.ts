import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readMeasurements } from '../../src/files/index.ts';
import { inferlab, scratch } from '../support/cli.ts';

const folder = scratch();

describe('inferlab fidelity', () => {
  test('is no worse than the baseline, over a part of the rows, as JSON', async () => {
    const { code, stdout, stderr } = await inferlab(['fidelity', '--quick', '--json', '--baseline']);
    expect(stderr).toMatch(/^fidelity: none of \d+ figures is worse than the baseline\n$/);
    expect(code).toBe(0);
    const figures = JSON.parse(stdout) as Record<string, unknown>[];
    const number = expect.any(Number);
    for (const figure of figures) {
      expect(figure).toEqual({
        table: expect.any(String),
        group: expect.any(String),
        metric: expect.any(String),
        n: number,
        mape: number,
        medianApe: number,
        p90Ape: number,
        bias: number,
        tier: expect.stringMatching(/^(measured|fitted|derived|unsupported)$/),
      });
    }
    expect(new Set(figures.map(({ table }) => table))).toEqual(
      new Set(['silicon', 'vllm_runs', 'splitwise', 'gpustack']),
    );
  });

  test("evaluates a person's own file in the silicon table's columns", async () => {
    const file = join(folder, 'own.csv');
    const lines = readMeasurements().silicon.split('\n');
    writeFileSync(file, [lines[0], ...lines.filter((line) => line.includes('Llama-3.1-70B')).slice(0, 3)].join('\n'));
    const { code, stdout } = await inferlab(['fidelity', '--measurements', file, '--json']);
    expect(code).toBe(0);
    const all = (JSON.parse(stdout) as Record<string, unknown>[]).filter(({ group }) => group === 'all');
    expect(all).toMatchObject([
      { table: 'own.csv', metric: 'ttft', n: 3 },
      { table: 'own.csv', metric: 'tpot', n: 3 },
    ]);
  });

  test('prints a page, with what others report and what is not covered', async () => {
    const { code, stdout } = await inferlab(['fidelity', '--table', 'vllm_runs']);
    expect(code).toBe(0);
    expect(stdout).toContain('rtx-pro-6000 vllm bf16 llama-3.1-8b');
    expect(stdout).toMatch(/held +replayed +rtx-pro-6000 vllm bf16 llama-3\.1-8b: ttft /);
    expect(stdout).toContain('what others report of themselves');
    expect(stdout).toContain('not covered');
  });

  test('fails when a figure is worse than a baseline, and names it', async () => {
    const file = join(folder, 'baseline.json');
    const figure = { table: 'vllm_runs', group: 'all', metric: 'tpot', n: 3, mape: 0 };
    writeFileSync(file, JSON.stringify({ baselineFormat: 1, full: [figure], quick: [] }));
    const { code, stderr } = await inferlab(['fidelity', '--table', 'vllm_runs', '--json', '--baseline', file]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /1 of 1 figures are worse than the baseline\n {2}vllm_runs: all: tpot: \d+\.\d\d %, was 0\.00 %/,
    );
  });

  test.each([
    [['--table', 'silicone'], 'no table "silicone"'],
    [['--measurements', 'nowhere.csv'], 'cannot open "nowhere.csv"'],
    [['--measurements', 'package.json'], 'package.json'],
    [['--baseline', 'package.json', '--table', 'vllm_runs'], 'no fidelity baseline'],
  ])('says what is wrong: %s', async (args, message) => {
    const { code, stderr } = await inferlab(['fidelity', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });
});
