import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inferlab } from '../support/cli.ts';

test.each(['start', 'run', 'serve', 'replay', 'compare', 'validate', 'schema'])(
  '%s --help explains itself with an example',
  async (command) => {
    const { code, stdout, stderr } = await inferlab([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: inferlab ${command}`);
    expect(stdout).toMatch(new RegExp(`Example:\\n {2}inferlab ${command}\\b`));
    expect(stderr).toBe('');
  },
);

test('--help names every command, and the exit codes', async () => {
  const { code, stdout } = await inferlab(['--help']);
  expect(code).toBe(0);
  for (const command of ['start', 'run', 'serve', 'replay', 'compare', 'validate', 'schema'])
    expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
  expect(stdout).toContain(
    'Exit codes: 0 pass, 1 expectations failed, 2 bad usage or invalid scenario, 3 internal error',
  );
});

test('--version is the version of the package', async () => {
  const { code, stdout } = await inferlab(['--version']);
  expect(code).toBe(0);
  expect(stdout.trim()).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version);
});
