import { describe, expect, test } from 'vitest';
import { inferlab } from '../support/cli.ts';

const STORY = 'scenarios/chip-fault-910b.yaml';

interface Line {
  readonly at: number;
  readonly kind: string;
  readonly who: string;
  readonly what: string;
}

describe('inferlab explain', () => {
  test('tells a fault, its being noticed, what was done and what clients lost, in order', async () => {
    const { code, stdout } = await inferlab(['explain', STORY, '--json']);
    expect(code).toBe(0);
    const { lines } = JSON.parse(stdout) as { lines: Line[] };
    const times = lines.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    const trail = [
      /^chip-fault pool-a-node-0/,
      /^Service detected a chip fault/,
      /^Killing/,
      /^Scheduled/,
      /^Started/,
      /^Healthy/,
    ];
    let from = 0;
    for (const step of trail) {
      const found = lines.findIndex(({ what }, index) => index >= from && step.test(what));
      expect(found, `${step} after line ${from}`).toBeGreaterThanOrEqual(from);
      from = found;
    }
    expect(lines.some(({ kind, what }) => kind === 'requests' && what === 'streams are cut')).toBe(true);
  });

  test('says of a pod why it is where it is', async () => {
    const { stdout } = await inferlab(['explain', STORY, '--json']);
    const { lines } = JSON.parse(stdout) as { lines: Line[] };
    const pod = lines.findLast(({ what }) => what.startsWith('Scheduled'))!.who;
    const told = await inferlab(['explain', STORY, pod]);
    expect(told.code).toBe(0);
    expect(told.stdout).toMatch(new RegExp(`${pod} is on pool-a-node-1; the nodes as the scheduler last saw them:`));
    expect(told.stdout).toMatch(/ {4}pool-a-node-0 {2}node is not ready/);
    expect(told.stdout).toMatch(/ {2}> pool-a-node-1 {2}/);
  });

  test('names the nearest when nothing is known of an object', async () => {
    const { code, stderr } = await inferlab(['explain', STORY, 'pool-a-node-9']);
    expect(code).toBe(2);
    expect(stderr).toBe('inferlab: nothing is known of "pool-a-node-9"; did you mean "pool-a-node-0"?\n');
  });
});
