import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inferlab, ROOT, SMALL, scratch } from '../support/cli.ts';

const folder = scratch();
const HEADER = 'TIMESTAMP,ContextTokens,GeneratedTokens';
const ROW = '2023-11-16 18:15:46.6805900,100,10';

/** A scenario beside its trace. The trace's name stands in line 2 of `traffic`. */
function replaying(name: string, trace: string | undefined): { file: string; place: string } {
  const file = join(folder, `${name}.yaml`);
  const small = readFileSync(join(ROOT, SMALL), 'utf8');
  const head = small.slice(0, small.indexOf('traffic:')).replace('duration: 20s\n', '');
  const text = `${head}traffic:\n  - { name: users, service: chat, arrivals: { kind: trace, file: ${name}.csv } }\n`;
  writeFileSync(file, text);
  if (trace !== undefined) writeFileSync(join(folder, `${name}.csv`), trace);
  return { file, place: `${file}:${text.split('\n').length - 1}` };
}

async function refused(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await inferlab(args);
  expect(stdout).toBe('');
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(code).toBe(2);
  return stderr;
}

describe('a scenario that cannot be read', () => {
  test('is not there', async () => {
    expect(await refused(['run', 'nowhere.yaml'])).toBe(
      'inferlab: cannot open "nowhere.yaml": there is no such file\n',
    );
  });

  test('is a folder', async () => {
    expect(await refused(['run', 'src'])).toBe('inferlab: cannot open "src": it is a folder\n');
  });

  test('lies below a file', async () => {
    expect(await refused(['run', `${SMALL}/x.yaml`])).toContain('a part of the path is no folder');
  });
});

describe('a trace', () => {
  test('that is sound is replayed', async () => {
    const { file } = replaying('sound', `${HEADER}\n${ROW}\n${ROW}\n`);
    const { code, stdout } = await inferlab(['run', file, '--json']);
    expect(JSON.parse(stdout).requests).toMatchObject({ total: 2, completed: 2 });
    expect(code).toBe(0);
  });

  test('that is not there is told with the place that names it', async () => {
    const { file, place } = replaying('absent', undefined);
    expect(await refused(['run', file])).toMatch(
      new RegExp(`^inferlab: ${place}:\\d+: cannot open "absent\\.csv": there is no such file\n$`),
    );
  });

  test('that may not be read is told so', async () => {
    const { file, place } = replaying('folder', undefined);
    mkdirSync(join(folder, 'folder.csv'));
    expect(await refused(['run', file])).toMatch(
      new RegExp(`^inferlab: ${place}:\\d+: cannot open "folder\\.csv": it is a folder\n$`),
    );
  });

  test.skipIf(process.getuid?.() === 0)('without the right to read it is told so', async () => {
    const { file, place } = replaying('locked', `${HEADER}\n${ROW}\n`);
    chmodSync(join(folder, 'locked.csv'), 0);
    expect(await refused(['run', file])).toContain(`${place}:`);
  });

  test.each([
    [
      'no-number',
      `${HEADER}\n${ROW}\n${ROW.replace(',100,', ',many,')}\n`,
      '3:29',
      'ContextTokens: got "many", expected a positive integer',
    ],
    ['no-time', `${HEADER}\nyesterday,100,10\n`, '2:1', 'TIMESTAMP: got "yesterday", expected a timestamp'],
    ['short-row', `${HEADER}\n${ROW}\n2023-11-16 18:15:47.1,100\n`, '3', 'got 2 fields, expected 3'],
    ['no-column', `TIMESTAMP,Tokens,GeneratedTokens\n${ROW}\n`, '1', 'no column "ContextTokens"'],
    ['empty', '', '1', 'empty trace'],
  ])('with a broken line (%s) is told with file and line', async (name, text, at, message) => {
    const { file } = replaying(name, text);
    const said = await refused(['run', file]);
    expect(said).toMatch(new RegExp(`^inferlab: (\\S*/)?${name}\\.csv:${at}`));
    expect(said).toContain(message);
  });
});

describe('a port that is in use', () => {
  test("is exit code 2 with the port's number, for the gateway and for a pod", async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    try {
      const message = `inferlab: port ${port} of 127.0.0.1 is in use; expected a free one (0 takes any)\n`;
      expect(await refused(['serve', SMALL, '--port', String(port)])).toBe(message);
      expect(await refused(['serve', SMALL, '--pod-port', String(port)])).toBe(message);
    } finally {
      holder.close();
    }
  });
});
