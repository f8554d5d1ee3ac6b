import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inferlab, ROOT, readLines, SMALL, scratch } from '../support/cli.ts';

const folder = scratch();

async function verdictOf(args: readonly string[], input?: string) {
  const { code, stdout, stderr } = await inferlab(['run', ...args, '--json'], input === undefined ? {} : { input });
  expect(stderr).toBe('');
  expect(stdout.endsWith('}\n')).toBe(true);
  expect(stdout.trimEnd()).not.toContain('\n');
  return { code, verdict: JSON.parse(stdout) };
}

describe('inferlab run --json', () => {
  test('prints one object with what scripts rely on', async () => {
    const { code, verdict } = await verdictOf([SMALL]);
    const figures = {
      mean: expect.any(Number),
      p50: expect.any(Number),
      p90: expect.any(Number),
      p99: expect.any(Number),
    };
    expect(verdict).toMatchObject({
      verdictFormat: 1,
      scenario: 'small',
      seed: 7,
      traceHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      simulatedSeconds: expect.any(Number),
      wallSeconds: expect.any(Number),
      requests: { total: expect.any(Number), completed: expect.any(Number), failed: expect.any(Number) },
      ttftMs: figures,
      tpotMs: figures,
      e2eMs: figures,
      outputTokensPerSecond: expect.any(Number),
      expectations: [
        { name: 'requests.total > 20', held: true, detail: expect.any(String) },
        { name: 'most requests are answered', held: true, detail: expect.any(String) },
        { name: 'the first token comes within five seconds', held: true, detail: expect.any(String) },
      ],
      verdict: 'pass',
    });
    expect(code).toBe(0);
  });

  test('fails with exit code 1 and the same shape', async () => {
    const { code, verdict } = await verdictOf([SMALL, '--set', 'expect=["requests.total == 0"]']);
    expect(verdict.verdict).toBe('fail');
    expect(verdict.expectations).toMatchObject([{ name: 'requests.total == 0', held: false }]);
    expect(code).toBe(1);
  });

  test('a scenario comes from standard input too, and is the same run', async () => {
    const text = readFileSync(join(ROOT, SMALL), 'utf8');
    const fromFile = await verdictOf([SMALL]);
    const fromInput = await verdictOf(['-'], text);
    expect(fromInput.verdict.traceHash).toBe(fromFile.verdict.traceHash);
  });

  test('--seed gives another run, --set seed the same one', async () => {
    const hash = async (...args: string[]) => (await verdictOf([SMALL, ...args])).verdict;
    const [own, eight, set] = [await hash(), await hash('--seed', '8'), await hash('--set', 'seed=8')];
    expect([own.seed, eight.seed, set.seed]).toEqual([7, 8, 8]);
    expect(eight.traceHash).not.toBe(own.traceHash);
    expect(set.traceHash).toBe(eight.traceHash);
  });

  test('--set lays values over the scenario at any depth', async () => {
    const sets = ['duration=5s', 'timeline=[]', 'traffic.0.arrivals.rate=10', 'expect=[]', 'name=other'];
    const { verdict } = await verdictOf([SMALL, ...sets.flatMap((each) => ['--set', each])]);
    expect(verdict).toMatchObject({ scenario: 'other', expectations: [], requests: { cut: 0 } });
    expect(verdict.requests.total).toBeGreaterThan(25);
  });

  test('the command that it names reproduces it', async () => {
    const { verdict } = await verdictOf([
      SMALL,
      '--seed',
      '99',
      '--set',
      'duration=5s',
      '--set',
      'expect=[{"name":"it\'s fine","that":"true"}]',
    ]);
    const shell = verdict.reproduce.replace(/^inferlab run /, '').match(/'(?:[^']|'\\'')*'|\S+/g)!;
    const args = shell.map((each: string) =>
      each.startsWith("'") ? each.slice(1, -1).replaceAll(`'\\''`, "'") : each,
    );
    expect((await verdictOf(args)).verdict.traceHash).toBe(verdict.traceHash);
  });

  test('--requests writes a line for each request, --tokens with the moment of each token', async () => {
    const file = join(folder, 'requests.jsonl');
    const { verdict } = await verdictOf([SMALL, '--requests', file, '--tokens']);
    const lines = readLines(file).map((line) => JSON.parse(line));
    expect(lines).toHaveLength(verdict.requests.total);
    for (const [index, line] of lines.entries()) {
      expect(line.request).toBe(index);
      expect(line.tokenMicros).toHaveLength(line.outputTokens);
      if (line.outcome !== 'completed') continue;
      expect(line.outputTokens).toBe(line.outputTokensDue);
      expect([line.tokenMicros[0], line.tokenMicros.at(-1)]).toEqual([line.firstTokenMicros, line.endedMicros]);
    }
  });

  test('--requests names the pod that had a request, not the one that took its place', async () => {
    const file = join(folder, 'killed.jsonl');
    await verdictOf(['scenarios/chip-fault-910b.yaml', '--requests', file]);
    const lines = readLines(file).map((line) => JSON.parse(line));
    const cut = lines.filter(({ outcome }) => outcome === 'cut');
    const struck = Math.max(...cut.map(({ endedMicros }) => endedMicros));
    const lost = new Set(cut.map(({ pod }) => pod));
    expect(lost.size).toBe(1);
    const later = new Set(lines.filter(({ arrivedMicros }) => arrivedMicros > struck).map(({ pod }) => pod));
    expect(later.size).toBe(2);
    expect([...lost].filter((pod) => later.has(pod))).toEqual([]);
  });

  test('a file that cannot be written is exit code 2', async () => {
    const { code, stderr } = await inferlab(['run', SMALL, '--requests', '/nowhere/requests.jsonl']);
    expect(code).toBe(2);
    expect(stderr).toBe('inferlab: cannot open "/nowhere/requests.jsonl": there is no such file\n');
  });
});
