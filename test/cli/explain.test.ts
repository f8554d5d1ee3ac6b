import { describe, expect, test } from 'vitest';
import { deedLines } from '../../src/cli/story.ts';
import { loadScenarioText } from '../../src/files/index.ts';
import { World } from '../../src/lab/index.ts';
import { inferlab } from '../support/cli.ts';
import { chatService, scenario } from '../support/scenario.ts';

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

  test('tells what automatic scaling did by which rule, and why it failed', async () => {
    const { stdout } = await inferlab(['explain', 'scenarios/scale-out.yaml', 'chat', '--json']);
    const { lines } = JSON.parse(stdout) as { lines: Line[] };
    const scaled = lines.filter(({ what }) => what.startsWith('rule "busy" scales main')).map(({ what }) => what);
    expect(scaled.slice(0, 3)).toEqual([
      'rule "busy" scales main from 1 to 2 instances',
      'rule "busy" scales main from 2 to 3 instances',
      'rule "busy" scales main from 3 to 4 instances',
    ]);
    expect(scaled).toContainEqual(
      expect.stringMatching(/ and fails: 4 of \d instances came up within 3 minutes; 4 are wanted now$/),
    );
  });

  test('says of what is done with keys and private connections which they are', () => {
    const services = [{ ...chatService('chat', 1), auth: { kind: 'api-key', keys: ['ci'] } }];
    const connection = { service: 'chat', connection: 'front' };
    const timeline = [
      { at: '1s', do: 'create-key', key: 'guest' },
      { at: '2s', do: 'bind-key', key: 'guest', service: 'chat' },
      { at: '3s', do: 'create-key', key: 'all', scope: 'user', for: '1h' },
      { at: '4s', do: 'create-connection', ...connection, pool: 'npu' },
      { at: '5s', do: 'delete-connection', ...connection },
      { at: '6s', do: 'delete-key', key: 'all' },
    ];
    const text = JSON.stringify(scenario({ services, timeline }));
    const world = new World(loadScenarioText(text, 'scenario', {}, String).description);
    world.run(2_000_000);
    expect(deedLines(world).map(({ what }) => what.replace(/ is refused: .*/, ''))).toEqual([
      'create-key guest, scope SERVICE',
      'bind-key chat, key guest',
      'create-key all, scope USER',
      'create-connection chat, pool npu, connection front',
      'delete-connection chat, connection front',
      'delete-key key all',
    ]);
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

  test('of a node tells what befell it and its pods, and of one that was spared that nothing did', async () => {
    const { stdout } = await inferlab(['explain', STORY, 'pool-a-node-0', '--json']);
    const { lines } = JSON.parse(stdout) as { lines: Line[] };
    const pods = new Set(lines.map(({ who }) => who).filter((who) => who.startsWith('chat-main-')));
    expect([...pods]).toEqual([expect.stringMatching(/^chat-main-0-role-0-/)]);
    for (const step of [/^Scheduled/, /^Healthy/, /^chip-fault/, /^Service detected a chip fault/, /^Killing/]) {
      expect(lines.some(({ what }) => step.test(what))).toBe(true);
    }
    const quiet = await inferlab([
      'explain',
      'scenarios/quickstart.yaml',
      'pool-a-node-1',
      '--set',
      'pools.0.nodes.0.count=2',
      '--set',
      'services.chat.deployments.main.instances=1',
      '--set',
      'timeline=[]',
    ]);
    expect(quiet).toMatchObject({ code: 0, stdout: 'nothing happened to pool-a-node-1\n' });
  });

  test('names the nearest when nothing is known of an object', async () => {
    const { code, stderr } = await inferlab(['explain', STORY, 'pool-a-node-9']);
    expect(code).toBe(2);
    expect(stderr).toBe('inferlab: nothing is known of "pool-a-node-9"; did you mean "pool-a-node-0"?\n');
  });
});
