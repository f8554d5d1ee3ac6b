import { performance } from 'node:perf_hooks';
import { afterEach, describe, expect, test } from 'vitest';
import { ReadyExchange } from '../../src/api/exchange.ts';
import { Live } from '../../src/api/index.ts';
import { loadScenarioText } from '../../src/files/index.ts';
import { World } from '../../src/lab/index.ts';

const SCENARIO = {
  inferlab: 1,
  name: 'one-engine',
  duration: '1m',
  pools: [{ name: 'pool', nodes: [{ flavor: 'h100-8', count: 1 }] }],
  services: [
    {
      name: 'chat',
      deployments: [{ name: 'main', pool: 'pool', instances: 1, units: [{ model: 'qwen3-8b' }] }],
    },
  ],
};

describe('the live loop', () => {
  let live: Live;
  afterEach(() => live.stop());

  const open = (onTurn = (): void => {}): void => {
    const { description } = loadScenarioText(JSON.stringify(SCENARIO), 'scenario', {}, String);
    const world = new World(description);
    world.runUntilSettled();
    live = new Live(world, 1, () => {}, onTurn);
  };
  /** An answer that is due at once. @returns what has been delivered of it so far */
  const answered = (onDeliver = (): void => {}): string[] => {
    const kinds: string[] = [];
    live.outbox.add(new ReadyExchange(live.world.now, 200, {}, ''), {
      deliver({ kind }) {
        kinds.push(kind);
        onDeliver();
      },
    });
    return kinds;
  };
  const busyFor = (ms: number): void => {
    for (const until = performance.now() + ms; performance.now() < until; );
  };

  test('delivers what is due in the midst of a burst of arrivals, not after it', () => {
    open();
    const first = answered();
    for (let arrival = 0; arrival < 50 && first.length === 0; arrival++) {
      busyFor(0.1);
      live.wake();
    }
    expect(first).toEqual(['head', 'body', 'end']);
  });

  test('does not begin again while it delivers, whoever wakes it meanwhile', () => {
    let turns = 0;
    open(() => turns++);
    let depth = 0;
    let deepest = 0;
    const nested = (): void => {
      deepest = Math.max(deepest, ++depth);
      busyFor(3);
      live.wake();
      depth--;
    };
    const all = [answered(nested), answered(nested), answered()];
    busyFor(3);
    live.wake();
    expect(deepest).toBe(1);
    expect(all.map(({ length }) => length)).toEqual([3, 3, 3]);
    expect(turns).toBe(1);
  });

  test('does nothing more once it is stopped', () => {
    open();
    live.stop();
    const kinds = answered();
    busyFor(3);
    live.wake();
    expect(kinds).toEqual([]);
  });
});
