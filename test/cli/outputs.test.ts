import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inferlab, Serving, SMALL } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'inferlab-'));

describe('what a session writes', () => {
  test('a start that fails leaves an older journal alone', async () => {
    const journal = join(folder, 'keep.journal');
    writeFileSync(journal, 'precious');
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const { code, stderr } = await inferlab(['serve', SMALL, '--port', String(port), '--journal', journal]);
    taken.close();
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(`port ${port}`) });
    expect(readFileSync(journal, 'utf8')).toBe('precious');
  });

  test('never replaces the scenario', async () => {
    const scenario = join(folder, 's.yaml');
    writeFileSync(scenario, readFileSync(SMALL));
    const { code, stderr } = await inferlab(['serve', scenario, '--journal', scenario]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('is the scenario') });
  });

  test('is found to be impossible before the run, not after it', async () => {
    for (const command of ['run', 'serve']) {
      const { code, stdout, stderr } = await inferlab([command, SMALL, '--requests', join(folder, 'no', 'such')]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('there is no such file');
    }
  });

  test('pods listen on any free ports for a base of 0, and on none above the last', async () => {
    const { code, stderr } = await inferlab(['serve', SMALL, '--pod-port', '65535']);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('65536 is no port') });
    const serving = await Serving.start([SMALL, '--pod-port', '0', '--no-traffic']);
    const ports = serving.addresses.pods.map(({ url }) => Number(new URL(url).port));
    expect(Math.min(...ports)).toBeGreaterThan(1_023);
    await serving.stop();
  });

  test('a journal can be replayed from standard input, and with another seed', async () => {
    const journal = join(folder, 'session.journal');
    await (await Serving.start([SMALL, '--until-end', '--speed', '100', '--journal', journal])).ended();
    const input = readFileSync(journal, 'utf8');
    const same = await inferlab(['replay', '-', '--json'], { input });
    expect(JSON.parse(same.stdout).replay).toMatchObject({ same: true });
    const other = await inferlab(['replay', '-', '--json', '--seed', '99'], { input });
    expect(JSON.parse(other.stdout)).toMatchObject({ seed: 99, replay: { same: null } });
  });
});
