import { describe, expect, test } from 'vitest';
import { inferlab, SMALL } from '../support/cli.ts';

describe('exit codes', () => {
  test('a run whose expectations hold is 0', async () => {
    const { code, stdout, stderr } = await inferlab(['run', SMALL]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/PASS/);
    expect(stdout).toMatch(/held {2}requests\.total > 20/);
    expect(stdout).toMatch(/trace [0-9a-f]{64}/);
    expect(stderr).toBe('');
  });

  test('a run that breaks an expectation is 1', async () => {
    const { code, stdout } = await inferlab(['run', SMALL, '--set', 'expect=["ttftMs.p50 < 0.001"]']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAIL/);
    expect(stdout).toMatch(/BROKEN {2}ttftMs\.p50 < 0\.001/);
  });

  test.each([
    ['an unknown command', ['frobnicate'], 'frobnicate'],
    ['an unknown option', ['run', SMALL, '--frobnicate'], '--frobnicate'],
    ['a missing argument', ['run'], 'file'],
    ['too many arguments', ['run', SMALL, SMALL], 'arguments'],
    ['a seed that is no number', ['run', SMALL, '--seed', 'seven'], 'whole number'],
    ['a speed out of range', ['serve', SMALL, '--speed', '1000'], '0.1 to 100'],
    ['a port that is none', ['serve', SMALL, '--port', '70000'], '65535'],
    ['a scenario that is none', ['run', 'package.json'], 'package.json:'],
    ['a setting of an unknown key', ['run', SMALL, '--set', 'sead=7'], '"sead"; did you mean "seed"?'],
  ])('%s is 2, with a message and no stack trace', async (_, args, message) => {
    const { code, stdout, stderr } = await inferlab(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('no command at all shows what there is', async () => {
    const { code, stdout, stderr } = await inferlab([]);
    expect(stdout + stderr).toContain('Usage: inferlab');
    expect(code).toBe(2);
  });
});
