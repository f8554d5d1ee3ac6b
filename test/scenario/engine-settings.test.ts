import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { World } from '../../src/lab/index.ts';
import { describe as describeLab, readScenario } from '../../src/scenario/index.ts';
import { scenario } from '../support/scenario.ts';

const OWN = {
  accelerators: [
    { id: 'my-npu', kind: 'npu', generation: 'ascend', bf16Tflops: 400, memoryGiB: 96, memoryTerabytesPerSecond: 3.2 },
  ],
  models: [
    {
      id: 'my-9b',
      parameters: 8.19e9,
      layers: 36,
      hidden: 4096,
      heads: 32,
      kvHeads: 8,
      headDim: 128,
      feedForward: 12_288,
      vocabulary: 151_936,
      maxContext: 8_192,
    },
  ],
  flavors: [{ id: 'my-8', accelerator: 'my-npu', accelerators: 8, cpu: 128, memoryGiB: 1024 }],
};

function world(overrides: object, unit: object, flavor = 'snt9b-8'): World {
  const services = [
    {
      name: 'chat',
      deployments: [{ name: 'main', pool: 'npu', instances: 1, units: [{ model: 'qwen3-8b', ...unit }] }],
    },
  ];
  const pools = [{ name: 'npu', nodes: [{ flavor, count: 1 }] }];
  const text = stringify(scenario({ pools, services, ...overrides }));
  const made = new World(describeLab(readScenario(text, 'test.yaml'), new Map()).lab);
  made.runUntilSettled();
  return made;
}

const specOf = (made: World) => made.engines.all[0]!.spec;

describe('an engine as a scenario states it', () => {
  test('is vLLM in bf16 by default, with the front end of its runs', () => {
    const spec = specOf(world({}, {}));
    expect(spec).toMatchObject({ batching: 'vllm', frontEnd: { fixedMicros: 5_000, perTokenMicros: 2 } });
  });

  test('batches as its kind does; nothing is assumed of its front end', () => {
    const spec = specOf(world({}, { engine: { kind: 'mindie' } }));
    expect(spec.batching).toBe('sglang');
    expect(spec.frontEnd).toBeUndefined();
  });

  test('has more room for keys and values the narrower its weights and they are', () => {
    const blocks = (engine: object): number => specOf(world({}, { engine }, 'h100-8')).kvBlocks;
    const bf16 = blocks({});
    expect(blocks({ precision: 'int8' })).toBeGreaterThan(bf16);
    expect(blocks({ precision: 'int8' })).toBeLessThan(1.5 * bf16);
    expect(blocks({ precision: 'fp8' })).toBeGreaterThan(2 * bf16);
    expect(blocks({ kvCacheType: 'fp8' })).toBeGreaterThan(2 * bf16 - 2);
  });

  test.each([
    ['affine', { prefill: { a: 20, b: 0.1, c: 0 }, decode: { a: 20, b: 0.001, c: 0.1 } }, 20 + 0.1 * 4 + 0.001 * 400],
    ['distribution', { prefill: { medianMs: 300 }, decode: { medianMs: 17 } }, 17],
    ['profile', { points: [{ batch: 4, context: 100, ms: 33 }] }, 33],
  ])('takes its step times from %s', (kind, settings, ms) => {
    const { stepTime } = specOf(world({}, { engine: { stepTime: { kind, ...settings } } }));
    const work = { sequences: 4, newTokens: 4, contextTokens: 400, attentionPairs: 402 };
    expect(stepTime.stepMicros(work)).toBeCloseTo(1e3 * ms, 6);
  });

  test('takes single scalars from the scenario, the others from the catalogue', () => {
    const slow = world({}, { engine: { stepTime: { kind: 'roofline', scalars: { stepMicros: 50_000 } } } });
    const usual = world({}, {});
    const more = specOf(slow).stepTime.decodeMicros!(1, 100, 1) - specOf(usual).stepTime.decodeMicros!(1, 100, 1);
    expect(more).toBeCloseTo(50_000, 6);
    expect(slow.platform.evidence()[0]).toMatchObject({ tier: 'derived' });
    expect(slow.platform.evidence()[0]!.source).toContain('stepMicros');
  });
});

describe('evidence', () => {
  test('is told for every unit', () => {
    expect(world({}, {}).platform.evidence()).toEqual([
      {
        service: 'chat',
        deployment: 'main',
        unit: 'role-0',
        accelerator: 'ascend-910b',
        devices: 1,
        model: 'qwen3-8b',
        engine: 'vllm',
        precision: 'bf16',
        tier: 'fitted',
        n: 5,
        mape: 16.5,
        source: expect.stringContaining('few points'),
      },
    ]);
  });
});

describe("a scenario's own catalogue", () => {
  test('is used as the packaged one is', () => {
    const made = world(OWN, { model: 'my-9b' }, 'my-8');
    expect(made.platform.evidence()[0]).toMatchObject({ accelerator: 'my-npu', model: 'my-9b', tier: 'derived' });
    expect(specOf(made).maxModelLen).toBe(8_192);
  });

  test.each([
    [
      { ...OWN, flavors: [{ ...OWN.flavors[0], accelerator: 'my-npi' }] },
      'flavors.0.accelerator: got "my-npi"; did you mean "my-npu"?',
    ],
    [{ ...OWN, models: [...OWN.models, ...OWN.models] }, 'models.1.id: there is already a model "my-9b" (models.0)'],
    [{ ...OWN, models: [{ ...OWN.models[0], layers: 0 }] }, 'models.0.layers: got 0, expected an integer, at least 1'],
  ])('is checked', (own, message) => {
    expect(() => world(own, { model: 'my-9b' }, 'my-8')).toThrowError(
      expect.objectContaining({ message: expect.stringContaining(message) }),
    );
  });

  test('names are near to what was meant', () => {
    expect(() => world(OWN, { model: 'my-9' }, 'my-8')).toThrowError('did you mean "my-9b"?');
  });
});

test('ranks of data-parallel attention divide the accelerators', () => {
  const unit = { model: 'qwen3-30b-a3b', resources: { accelerators: 4 }, engine: { dataParallelAttention: 3 } };
  expect(() => world({}, unit)).toThrowError('expected a divisor of the 4 accelerators');
});
