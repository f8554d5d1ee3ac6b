import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inferlab, readLines, Serving, SMALL, scratch } from '../support/cli.ts';

const folder = scratch();
const SERVE = [SMALL, '--no-traffic'];

describe('a journal', () => {
  test('has one session at a time, by whatever name, and is free after it', async () => {
    const journal = join(folder, 'one.journal');
    const link = join(folder, 'link.journal');
    symlinkSync(journal, link);
    const first = await Serving.start([...SERVE, '--journal', journal]);
    for (const name of [journal, link]) {
      const { code, stdout, stderr } = await inferlab(['serve', ...SERVE, '--journal', name]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`"${name}" is the journal of a session that runs, of process ${first.child.pid} on`);
    }
    await first.stop();
    expect(existsSync(`${journal}.lock`)).toBe(false);
    const lines = readLines(journal);
    expect(lines.filter((line) => line.includes('inferlabJournal'))).toHaveLength(1);
    expect(lines.at(-1)).toContain('traceHash');
    const second = await Serving.start([...SERVE, '--journal', journal]);
    await second.stop();
    expect(readLines(journal).at(-1)).toContain('traceHash');
  });

  test('of a session that was killed is taken over', async () => {
    const journal = join(folder, 'killed.journal');
    const first = await Serving.start([...SERVE, '--journal', journal]);
    first.signal('SIGKILL');
    await first.ended();
    expect(existsSync(`${journal}.lock`)).toBe(true);
    const second = await Serving.start([...SERVE, '--journal', journal]);
    expect(JSON.parse(readFileSync(`${journal}.lock`, 'utf8'))).toEqual({ pid: second.child.pid, host: hostname() });
    await second.stop();
    expect(readLines(journal).at(-1)).toContain('traceHash');
  });

  test.each([
    ['of another machine', JSON.stringify({ pid: 1, host: 'elsewhere.example' })],
    ['by nobody known', ''],
  ])('that is kept %s is left alone', async (name, holder) => {
    const journal = join(folder, `${name}.journal`);
    writeFileSync(journal, 'precious');
    writeFileSync(`${journal}.lock`, holder);
    const { code, stderr } = await inferlab(['serve', ...SERVE, '--journal', journal]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(`delete "${journal}.lock"`) });
    expect(readFileSync(journal, 'utf8')).toBe('precious');
  });

  test('can be a device, which has no lock', async () => {
    const serving = await Serving.start([...SERVE, '--journal', '/dev/null']);
    expect(existsSync('/dev/null.lock')).toBe(false);
    expect((await serving.stop()).stderr).toBe('');
  });

  test.each([
    ['run', '--requests'],
    ['run', '--trace'],
    ['serve', '--requests'],
    ['serve', '--journal'],
  ])('%s %s - is no file', async (command, option) => {
    const { code, stdout, stderr } = await inferlab([command, SMALL, option, '-'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('standard output has the verdict; expected a file');
    expect(existsSync(join(folder, '-'))).toBe(false);
  });

  test.each([
    ['a setting that is no text', { settings: [1] }, 'settings.0: expected a text path=value, got 1'],
    ['a setting without a value', { settings: ['seed'] }, 'expected path=value'],
    ['a file that is none', { files: [null] }, 'files.0: expected {path, sha256, text}, got null'],
  ])('with %s is a mistake of its file, not of ours', async (_, change, message) => {
    const header = {
      inferlabJournal: 1,
      version: '0.1.0',
      scenario: { file: SMALL, text: readFileSync(SMALL, 'utf8') },
      settings: [],
      seed: 7,
      epoch: 0,
      files: [],
      noTraffic: true,
      ...change,
    };
    const { code, stderr } = await inferlab(['replay', '-'], { input: `${JSON.stringify(header)}\n` });
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
