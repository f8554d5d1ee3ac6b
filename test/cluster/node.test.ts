import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeFlavor } from '../../src/catalog/index.ts';
import type { NodeGroupSpec } from '../../src/cluster/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { cluster, gang, npuNodes, ONE, places, put } from './clusters.ts';

function node(rest: Partial<NodeGroupSpec> = {}) {
  return npuNodes(1, rest).allNodes[0]!;
}

describe('a node', () => {
  test('is of an architecture, by its flavor where not said otherwise', () => {
    expect(node().arch).toBe('arm64');
    expect(node({ flavor: nodeFlavor('gb200-4') }).arch).toBe('arm64');
    expect(node({ flavor: nodeFlavor('h100-8') }).arch).toBe('x86');
    expect(node({ flavor: nodeFlavor('cpu-64') }).arch).toBe('x86');
    expect(node({ flavor: nodeFlavor('cpu-64'), arch: 'arm64' }).arch).toBe('arm64');
  });

  test('has a name, a rack and a node pool; is found by name', () => {
    const pool = cluster(
      { flavor: nodeFlavor('h100-8'), count: 3, racks: 2 },
      { flavor: nodeFlavor('cpu-64'), name: 'helpers', count: 1 },
    );
    expect(pool.allNodes.map(({ name, nodePool, rack }) => `${name} ${nodePool} ${rack}`)).toEqual([
      'p-node-0 h100-8 p-rack-0',
      'p-node-1 h100-8 p-rack-1',
      'p-node-2 h100-8 p-rack-0',
      'p-node-3 helpers p-rack-0',
    ]);
    expect(pool.pool('p').racks).toEqual(['p-rack-0', 'p-rack-1']);
    expect(pool.node('p-node-3')?.nodePool).toBe('helpers');
    expect(pool.node('p-node-4')).toBeUndefined();
  });

  test('a broken accelerator goes to nobody, and its holder keeps it', () => {
    const pool = npuNodes(1);
    const [only] = pool.allNodes;
    put(pool, gang('1', [ONE]));
    only!.breakAccelerator(0);
    only!.breakAccelerator(1);
    expect(only!.acceleratorsFree).toBe(6);
    expect(only!.holders[0]).toEqual(['d/1/0']);
    expect(put(pool, gang('2', [ONE]))![0]!.accelerators).toEqual([2]);
    pool.release('d/1/0');
    expect(only!.acceleratorsFree).toBe(5);
    only!.repairAccelerator(0);
    expect(only!.healthy(0)).toBe(true);
    expect(put(pool, gang('3', [ONE]))![0]!.accelerators).toEqual([0]);
  });

  test('has images: those that were warmed up and those that were pulled', () => {
    const warm = node({ warmImages: ['vllm'], warmModels: ['qwen'] });
    expect([warm.hasImage('vllm'), warm.hasImage('sglang'), warm.warmModels.has('qwen')]).toEqual([true, false, true]);
    warm.keepImage('sglang');
    expect(warm.hasImage('sglang')).toBe(true);
  });
});

describe('its disk', () => {
  test('keeps models until the cache is cleared', () => {
    const disk = node({ diskGiB: 2_000 });
    expect(disk.cache('qwen', 500)).toBe(true);
    expect([disk.hasCached('qwen'), disk.diskFreeGiB]).toEqual([true, 1_500]);
    disk.clearCache();
    expect([disk.hasCached('qwen'), disk.diskFreeGiB]).toEqual([false, 2_000]);
  });

  test('drops the least recently used model for a new one, and none for one that does not fit at all', () => {
    const disk = node({ diskGiB: 1_000 });
    for (const model of ['a', 'b', 'a']) disk.cache(model, 400);
    expect(disk.cache('c', 400)).toBe(true);
    expect(['a', 'b', 'c'].filter((model) => disk.hasCached(model))).toEqual(['a', 'c']);
    expect(disk.cache('d', 1_001)).toBe(false);
    disk.fillDisk(500);
    expect(disk.diskFreeGiB).toBe(0);
    expect(disk.cache('d', 801)).toBe(false);
    expect(['a', 'c'].every((model) => disk.hasCached(model))).toBe(true);
    disk.freeDisk();
    expect(disk.diskFreeGiB).toBe(200);
  });

  test('is never overfull, whatever is cached and filled', () => {
    const step = fc.record({ model: fc.constantFrom('a', 'b', 'c', 'd', undefined), size: fc.nat(700) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const disk = node({ diskGiB: 1_000 });
        for (const { model, size } of steps) {
          if (model === undefined) disk.fillDisk(size);
          else expect(disk.cache(model, size)).toBe(disk.hasCached(model) && disk.cache(model, size));
          expect(disk.diskFreeGiB).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});

describe('node pools', () => {
  const two = () =>
    cluster(
      { flavor: nodeFlavor('snt9b-8'), name: 'one', count: 1 },
      { flavor: nodeFlavor('snt9b-8'), name: 'two', count: 1 },
      { flavor: nodeFlavor('h100-8'), count: 1 },
    );

  guideRule(410, 'of node pools with equal specification the freer one is used', () => {
    const pool = two();
    const eight = { ...ONE, accelerators: 8 };
    put(pool, gang('1', [ONE], { nodePool: 'one', deployment: 'e' }));
    expect(places(pool, gang('1', [ONE], { nodePool: 'one' }))).toEqual(['p-node-1']);
    put(pool, gang('2', [eight], { nodePool: 'one', deployment: 'e' }));
    expect(places(pool, gang('1', [ONE], { nodePool: 'two' }))).toEqual(['p-node-0']);
    expect(places(pool, gang('1', [eight], { nodePool: 'two' }))).toBeUndefined();
    expect(places(pool, gang('1', [eight], { nodePool: 'h100-8' }))).toEqual(['p-node-2']);
    expect(places(pool, gang('1', [eight]))).toEqual(['p-node-2']);
  });

  guideRule(3524, 'compact scheduling keeps to node pools of the same specification', () => {
    const pool = two();
    put(pool, gang('1', [ONE], { nodePool: 'h100-8', deployment: 'e' }));
    const compact = { policy: 'compact', nodePool: 'one' } as const;
    expect(places(pool, gang('1', [ONE], compact))).toEqual(['p-node-0']);
    expect(places(pool, gang('1', new Array(17).fill(ONE), compact))).toBeUndefined();
  });
});
