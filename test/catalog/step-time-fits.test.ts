import { describe, expect, test } from 'vitest';
import {
  ACCELERATORS,
  accelerator,
  ENGINE_KINDS,
  FIT_GROUPS,
  MODELS,
  model,
  PRECISIONS,
  stepTimeFit,
} from '../../src/catalog/index.ts';

const fit = (device: string, engine: (typeof ENGINE_KINDS)[number], precision: 'bf16' | 'fp8' | 'fp4', id: string) =>
  stepTimeFit({ accelerator: accelerator(device), engine, precision, model: model(id) });

describe('the fitted scalars', () => {
  test('are there for every accelerator, engine, precision and model, positive, with a source', () => {
    for (const device of ACCELERATORS) {
      for (const engine of ENGINE_KINDS) {
        for (const precision of PRECISIONS) {
          for (const each of MODELS) {
            const { scalars, evidence } = stepTimeFit({ accelerator: device, engine, precision, model: each });
            expect(evidence.source).not.toBe('');
            for (const share of ['compute', 'weights', 'attention', 'attentionCompute', 'link'] as const) {
              expect(scalars[share]).toBeGreaterThan(0);
            }
            expect(scalars.stepMicros + scalars.layerMicros).toBeGreaterThan(0);
          }
        }
      }
    }
  });

  test('name accelerators and models of the catalogue', () => {
    for (const group of FIT_GROUPS) {
      expect(accelerator(group.accelerator).id).toBe(group.accelerator);
      if (group.model !== undefined) expect(model(group.model).family).toBe(group.family);
    }
  });

  test('are those of the model where its group has some', () => {
    const found = fit('h100', 'vllm', 'bf16', 'llama-3.1-70b');
    expect(found.evidence).toMatchObject({ tier: 'fitted', n: 2, mape: 0.6 });
    expect(found.scalars.layerMicros).toBeCloseTo(92.61);
  });

  test('are those of its group for another model of the same kind, and it says so', () => {
    const found = fit('h100', 'vllm', 'bf16', 'qwen3-8b');
    expect(found.evidence).not.toHaveProperty('mape');
    expect(found.evidence.tier).toBe('derived');
    expect(found.evidence.source).toContain('used for qwen3-8b');
  });

  test('of an unsound group are given only to who asks for its version', () => {
    const asked = {
      accelerator: accelerator('gb200'),
      engine: 'trtllm',
      precision: 'bf16',
      model: model('qwen3-32b'),
    } as const;
    expect(stepTimeFit({ ...asked, version: '1.3.0rc1' }).evidence).toMatchObject({ n: 12, mape: 63.02 });
    expect(stepTimeFit(asked).evidence.source).toContain('pooled');
  });

  test('without a group are pooled, else carried over, else a datasheet says', () => {
    expect(fit('h200', 'trtllm', 'bf16', 'qwen3-8b').evidence).toMatchObject({ tier: 'fitted', mape: 18.9 });
    expect(fit('h200', 'vllm', 'bf16', 'qwen3-8b').evidence.tier).toBe('derived');
    expect(fit('mi300x', 'vllm', 'bf16', 'qwen3-8b').evidence.tier).toBe('derived');
  });

  test('call what a device cannot compute in unsupported', () => {
    expect(fit('a100', 'vllm', 'fp8', 'qwen3-8b').evidence.tier).toBe('unsupported');
    expect(fit('ascend-910b', 'vllm', 'fp8', 'qwen3-8b').evidence.tier).toBe('unsupported');
  });

  test('of the 910B are labelled as of few points, and hang on the version of the engine', () => {
    const old = fit('ascend-910b', 'vllm', 'bf16', 'qwen3-8b');
    expect(old.evidence).toMatchObject({ tier: 'fitted', n: 5 });
    expect(old.evidence.source).toContain('few points');
    const asked = {
      accelerator: accelerator('ascend-910b'),
      engine: 'vllm',
      precision: 'bf16',
      model: model('qwen3-8b'),
    } as const;
    const later = stepTimeFit({ ...asked, version: '182b75ea' });
    expect(later.scalars.layerMicros).toBeLessThan(old.scalars.layerMicros / 2);
  });

  test('of devices on PCIe have the collectives of PCIe', () => {
    expect(fit('l40s', 'vllm', 'bf16', 'qwen3-8b').scalars.collectiveMicros).toBe(30);
  });
});
