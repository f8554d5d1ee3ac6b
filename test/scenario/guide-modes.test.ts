import { describe, expect } from 'vitest';
import { World } from '../../src/lab/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { deployed, MODEL, type Parts, PD, refused, taken } from './ruled.ts';

/** Rules of the guide on what an instance is made of. */

describe('modes and units', () => {
  const MASTER = [MODEL, { ...MODEL, role: 'worker' }];
  guideRule(326, 'basic mode refuses prefill and decode roles', () => {
    refused({ units: PD, deployment: { mode: 'basic' } }, 'mode "basic" has one common unit alone');
  });
  guideRule(401, 'in basic mode exactly one unit hosts the whole service', () => {
    expect(deployed({}).mode).toBe('basic');
    refused({ units: [MODEL, MODEL] }, 'got 2 common units, expected one');
  });
  guideRule(404, 'in basic mode unit replicas are 1 and cannot be changed', () => {
    refused({ unit: { replicas: 2 } }, 'expected 1: the unit of mode "basic" has one replica');
  });
  guideRule(405, 'a unit name takes lowercase letters, digits and -, at most 16', () => {
    for (const name of ['Server', 'a'.repeat(17)]) refused({ unit: { name } }, 'at most 16 lower-case letters');
  });
  guideRule(405, 'a unit name starts and ends with a letter or digit', () => {
    for (const name of ['-a', 'a-']) refused({ unit: { name } }, 'no "-" at either end');
  });
  guideRule(405, 'a first unit without a name is role-0', () => {
    expect(deployed({}).units[0]!.name).toBe('role-0');
  });
  guideRule(650, 'a second unit without a name is role-1', () => {
    expect(deployed({ units: MASTER }).units.map(({ name }) => name)).toEqual(['role-0', 'role-1']);
  });
  guideRule(406, 'public pools take preset specifications only, dedicated pools custom ones too', () => {
    for (const resources of [{ accelerators: 0.25 }, { cpu: 8 }, { memoryGiB: 64 }]) {
      refused({ pool: { type: 'public' }, unit: { resources } }, 'custom specifications');
    }
    const unit = { model: 'qwen3-8b', engine: { precision: 'int4' }, resources: { accelerators: 0.25 } };
    expect(deployed({ unit }).units[0]!.resources).toEqual({ accelerators: 0.25, cpu: 6, memoryGiB: 48 });
  });
  guideRule(410, 'custom CPU is at least 0.01 cores, with at most two decimals', () => {
    for (const cpu of [0, 0.001, 1.234]) refused({ unit: { resources: { cpu } } }, 'in hundredths, at least 0.01');
    expect(deployed({ unit: { resources: { cpu: 1.23 } } }).units[0]!.resources.cpu).toBe(1.23);
  });
  guideRule(410, 'custom memory is a whole number of GiB, at least 4', () => {
    for (const memoryGiB of [3, 4.5]) refused({ unit: { resources: { memoryGiB } } }, 'an integer, at least 4');
  });
  guideRule(410, 'custom CPU or memory beyond what the pool has is refused', () => {
    refused({ unit: { resources: { cpu: 193 } } }, 'a node of pool "npu" has at most 192');
    refused({ unit: { resources: { memoryGiB: 2000 } } }, 'a node of pool "npu" has at most 1536');
  });
  guideRule(416, 'environment keys take letters, digits, _ - and ., start with no digit, at most 64', () => {
    const environment = { [`_a-b.${'c'.repeat(59)}`]: 'x' };
    expect(deployed({ unit: { environment } }).units[0]!.environment).toEqual(environment);
    for (const key of ['1A', 'A B', 'a'.repeat(65)])
      refused({ unit: { environment: { [key]: 'x' } } }, 'no digit first');
  });
  guideRule(416, 'an environment value in HTML is refused', () => {
    for (const value of ['<p>', '<^>', '<...>']) refused({ unit: { environment: { A: value } } }, 'without HTML');
  });
  guideRule(521, 'all units of a deployment lie in one node pool', () => {
    const nodes = [
      { flavor: 'snt9b-8', count: 1 },
      { flavor: 'h100-8', count: 1 },
    ];
    const units = [
      { ...PD[0], nodePool: 'h100-8' },
      { ...PD[1], nodePool: 'snt9b-8' },
    ];
    refused({ nodes, units: PD }, 'has accelerators of several kinds');
    refused({ nodes, units }, 'all units of a deployment lie in one node pool');
    const images = (parts: Parts) => deployed(parts).units.map(({ image }) => image.name);
    expect(images({ nodes, units: PD, deployment: { nodePool: 'h100-8' } })).toEqual(['vllm-openai', 'vllm-openai']);
    expect(images({ nodes, units, scenario: { allowHeterogeneousUnits: true } })).toEqual([
      'vllm-openai',
      'vllm-ascend',
    ]);
  });
  guideRule(522, 'co-location refuses strong affinity and strong anti-affinity', () => {
    for (const kind of ['affinity', 'anti-affinity']) {
      const of = (strength: string): Parts => ({
        units: [{ ...PD[0], affinity: { kind, strength, nodes: ['npu-node-0'] } }, PD[1]!],
        deployment: { mode: 'co-located' },
      });
      refused(of('strong'), 'co-location takes weak affinity only');
      const strong = { kind, strength: 'strong', nodes: ['npu-node-0'] };
      refused({ units: [{ ...MODEL, affinity: strong }, MASTER[1]!] }, 'co-location takes weak affinity only');
      expect(deployed(of('weak')).units[0]!.affinity!.strength).toBe('weak');
    }
  });
  guideRule(612, 'a unit of a multi-role deployment has 1 to 100 replicas', () => {
    expect(deployed({ units: [{ ...PD[0], replicas: 100 }, PD[1]!] }).units[0]!.replicas).toBe(100);
    for (const replicas of [0, 101]) refused({ units: [{ ...PD[0], replicas }, PD[1]!] }, 'an integer from 1 to 100');
  });
  guideRule(762, 'disaggregation takes at least one prefill and one decode unit', () => {
    expect(deployed({ units: PD }).mode).toBe('disaggregated');
    refused({ units: [PD[0]!] }, 'no decode unit');
    refused({ units: [PD[1]!] }, 'no prefill unit');
    refused({ deployment: { mode: 'disaggregated' } }, 'no decode unit');
  });
  guideRule(3965, 'graceful shutdown is equal in all units of a multi-role deployment', () => {
    const gracefulShutdown = { timeout: '60s' };
    refused({ units: [{ ...PD[0], gracefulShutdown }, PD[1]!] }, 'graceful shutdown is equal in all units');
    const equal = PD.map((unit) => ({ ...unit, gracefulShutdown }));
    expect(deployed({ units: equal }).units[1]!.gracefulShutdown).toEqual({ timeout: 60e6, commandTakes: 0 });
  });
  guideRule(331, 'in basic mode capacity grows by replicas only', () => {
    expect(deployed({ deployment: { mode: 'basic', instances: 4 } }).instances).toBe(4);
    refused({ deployment: { mode: 'basic' }, unit: { replicas: 4 } }, 'one replica; add instances');
    refused({ deployment: { mode: 'basic' }, units: [MODEL, MODEL] }, 'expected one');
  });
  guideRule(393, 'a model is a platform asset, preset or mine, or a custom one', () => {
    const shape = { layers: 2, hidden: 64, heads: 2, kvHeads: 2, headDim: 32, vocabulary: 1000, maxContext: 4096 };
    const models = [{ id: 'mine', parameters: 1e6, feedForward: 128, ...shape }];
    const modelOf = (unit: object) => deployed({ scenario: { models }, unit }).units[0]!;
    expect(modelOf(MODEL)).toMatchObject({ model: { id: 'qwen3-8b' }, storage: { kind: 'image' } });
    expect(modelOf({ model: 'mine' }).model?.id).toBe('mine');
    const storage = { kind: 'obs', address: 'obs://models/mine/' };
    expect(modelOf({ model: 'mine', storage })).toMatchObject({ model: { id: 'mine' }, storage });
  });
  guideRule(393, 'a model asset is refused on a specification that it does not support', () => {
    const on = (accelerators: number): Parts => ({ unit: { model: 'qwen3-32b', resources: { accelerators } } });
    refused(on(1), '"qwen3-32b" needs 61.0 GiB for its weights in bf16, but 1 x ascend-910b');
    expect(deployed(on(2)).units[0]!.model?.id).toBe('qwen3-32b');
  });
  guideRule(413, 'an image is preset, custom, registered, given by URL, or pre-warmed', () => {
    const warm = 'vllm-ascend:0.18';
    const nodes = [{ flavor: 'snt9b-8', count: 1, warmImages: [warm] }];
    const imageOf = (image?: object) => deployed({ nodes, unit: { image } }).units[0]!.image.name;
    expect(imageOf()).toBe('vllm-ascend');
    for (const name of ['my-image', 'registered/image', 'swr.example.com/team/vllm:1.0', warm]) {
      expect(imageOf({ name })).toBe(name);
    }
    expect(taken({ nodes }).pools[0]!.nodes[0]!.warmImages).toEqual([warm]);
  });
  guideRule(520, 'co-location needs the multi-role mode', () => {
    for (const units of [MASTER, PD]) {
      refused({ units, deployment: { mode: 'basic' } }, 'mode "basic" has one common unit alone');
      expect(deployed({ units, deployment: { mode: 'co-located' } }).mode).toBe('co-located');
    }
    refused({ deployment: { mode: 'co-located' } }, 'no worker unit');
  });
  guideRule(578, 'dedicated and public pools take multi-role deployments', () => {
    for (const type of ['dedicated', 'public']) {
      for (const units of [MASTER, PD]) expect(deployed({ pool: { type }, units }).units).toHaveLength(2);
    }
  });
  /** Unit replicas of the instances, as the platform makes them. */
  const made = (units: readonly object[]): string[] => {
    const world = new World(taken({ units, deployment: { instances: 1 } }));
    world.runUntilSettled();
    const [instance, ...others] = world.platform.services[0]!.deployments[0]!.instances;
    expect(others).toEqual([]);
    return instance!.replicas.map(({ unit, number }) => `${unit.name}-${number}`);
  };
  guideRule(602, 'the units of all roles together make one instance', () => {
    expect(made(PD)).toEqual(['prefill-0', 'decode-0']);
    expect(made(MASTER)).toEqual(['role-0-0', 'role-1-0']);
  });
  guideRule(847, 'x and y of xPyD count the prefill and the decode units', () => {
    const [prefill, decode] = PD as [object, object];
    const second = { ...decode, name: 'second' };
    expect(made([prefill, { ...decode, replicas: 2 }])).toEqual(['prefill-0', 'decode-0', 'decode-1']);
    expect(made([prefill, decode, second])).toEqual(['prefill-0', 'decode-0', 'second-0']);
  });
});
