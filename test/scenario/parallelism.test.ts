import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { model, nodeFlavor } from '../../src/catalog/index.ts';
import type { EngineSpec } from '../../src/engine/index.ts';
import { engineSpec } from '../../src/platform/engine-spec.ts';
import type { UnitSpec } from '../../src/platform/index.ts';
import { coLocationSlowdown, unitParallelism, unitStepTime } from '../../src/platform/step-time.ts';
import { parallelismProblem } from '../../src/scenario/check-parallelism.ts';
import { describe as describeLab, readScenario } from '../../src/scenario/index.ts';
import { scenario } from '../support/scenario.ts';

const H100 = nodeFlavor('h100-8');

/** A unit on H100 nodes as a scenario states it. */
function unitOf(id: string, accelerators: number, engine: object): UnitSpec {
  const unit = { model: id, resources: { accelerators }, engine: { maxModelLen: 4096, ...engine } };
  const deployments = [{ name: 'main', pool: 'gpu', instances: 1, units: [unit] }];
  const pools = [{ name: 'gpu', nodes: [{ flavor: 'h100-8', count: 2 }] }];
  const text = stringify(scenario({ pools, services: [{ name: 'chat', deployments }] }));
  return describeLab(readScenario(text, 'test.yaml'), new Map()).lab.services[0]!.deployments[0]!.units[0] as UnitSpec;
}

const specOf = (unit: UnitSpec): EngineSpec => engineSpec(unit, H100, 'test');

describe('an engine over stages and nodes', () => {
  test('has the devices of all its pods', () => {
    const unit = unitOf('llama-3.1-70b', 8, { pipelineParallel: 2, maxNumBatchedTokens: 2048 });
    const expected = { devices: 16, attentionRanks: 1, stages: 2, nodes: 2, microBatchTokens: 2048 };
    expect(unitParallelism({ ...unit, pods: 2 }, H100)).toEqual(expected);
    expect(unitParallelism(unit, H100)).toEqual({ ...expected, devices: 8, nodes: 1 });
  });

  test('has the memory of all its pods for keys and values', () => {
    const unit = unitOf('llama-3.1-70b', 8, {});
    const [one, two] = [specOf(unit), specOf({ ...unit, pods: 2 })];
    // 16 devices hold each of 8 key-value heads twice, and the weights but once.
    expect(two.kvBlocks).toBeGreaterThan(one.kvBlocks);
    expect(two.kvBlocks).toBeLessThan(1.4 * one.kvBlocks);
    const staged = specOf({ ...unitOf('llama-3.1-70b', 8, { pipelineParallel: 2 }), pods: 2 });
    expect(staged.kvBlocks).toBeGreaterThan(2 * one.kvBlocks);
  });

  test('holds a latent once on every device of a stage, for the layers of the stage', () => {
    const blocks = (pipelineParallel: number): number =>
      specOf(unitOf('deepseek-v3', 8, { precision: 'int4', pipelineParallel })).kvBlocks;
    expect(blocks(8) / blocks(1)).toBeGreaterThan(5);
    expect(blocks(8) / blocks(1)).toBeLessThan(8);
  });

  test('has a budget for every batch in flight', () => {
    expect(specOf(unitOf('llama-3.1-8b', 4, { pipelineParallel: 4 })).maxNumBatchedTokens).toBe(4 * 8192);
  });

  test('pads what is captured by micro-batch', () => {
    const { model: steps } = unitStepTime(
      unitOf('llama-3.1-8b', 4, { pipelineParallel: 4, graphBatchSizes: [2] }),
      H100,
    );
    expect(steps.decodeMicros!(1, 100, 1)).toBeCloseTo(steps.decodeMicros!(8, 100, 1), 6);
  });

  test('is derived, whatever was fitted', () => {
    const unit = unitOf('llama-3.1-70b', 8, { precision: 'fp8' });
    expect(unitStepTime(unit, H100).evidence.tier).toBe('fitted');
    expect(unitStepTime({ ...unit, pods: 2 }, H100).evidence).toMatchObject({
      tier: 'derived',
      source: expect.stringMatching(/^2 nodes by equations alone; the rest: /),
    });
  });
});

describe('an engine beside others', () => {
  test('is slower by its interference for each', () => {
    const { engine } = unitOf('llama-3.1-8b', 1, { interference: 0.05 });
    expect(coLocationSlowdown(engine, 0)).toBe(1);
    expect(coLocationSlowdown(engine, 3)).toBeCloseTo(1.15, 12);
    expect(coLocationSlowdown(unitOf('llama-3.1-8b', 1, {}).engine, 7)).toBe(1);
  });

  test("says that the figure is the scenario's", () => {
    const { evidence } = unitStepTime(unitOf('llama-3.1-8b', 1, { interference: 0.05 }), H100);
    expect(evidence.tier).toBe('derived');
    expect(evidence.source).toContain("the scenario's interference");
  });
});

describe('an engine that cannot be spread as it is asked', () => {
  const problem = (id: string, [stages, ranks]: number[], accelerators: number, pods = 1, onCpu = false): unknown => {
    const { engine } = { engine: { pipelineParallel: stages!, dataParallelAttention: ranks! } };
    return parallelismProblem(engine, model(id), { accelerators, pods, onCpu })?.message;
  };

  test.each([
    [[3, 1], 8, 1, 'got 3, expected a divisor of the 8 accelerators of a pod'],
    [[3, 1], 8, 2, 'got 3, expected a divisor of the 2 x 8 accelerators'],
    [[64, 1], 8, 8, 'got 64, but "qwen3-8b" has 36 layers'],
    [[2, 1], 8, 3, 'got 2, expected a divisor or a multiple of the 3 pods: stages do not straddle nodes'],
    [[2, 3], 8, 1, 'got 3, expected a divisor of the 4 accelerators of a stage'],
    [[1, 4], 8, 3, 'got 4, which makes ranks of 6 accelerators straddle pods of 8'],
    [[1, 1], 3, 1, 'got 3, but "qwen3-8b" has 32 heads, which 3 tensor-parallel accelerators cannot share evenly'],
  ])('%j on %i accelerators of %i pods is refused', (spread, accelerators, pods, message) => {
    expect(problem('qwen3-8b', spread, accelerators, pods)).toBe(message);
  });

  test('is refused on a CPU node', () => {
    expect(problem('qwen3-8b', [2, 1], 0, 1, true)).toBe('got 2, expected 1: a CPU node runs no pipeline');
    expect(problem('qwen3-8b', [1, 1], 0, 1, true)).toBeUndefined();
  });

  test.each([
    [[1, 1], 8, 4],
    [[2, 1], 8, 2],
    [[4, 2], 8, 2],
    [[2, 2], 8, 4],
  ])('%j on %i accelerators of %i pods is not', (spread, accelerators, pods) => {
    expect(problem('qwen3-8b', spread, accelerators, pods)).toBeUndefined();
  });
});
