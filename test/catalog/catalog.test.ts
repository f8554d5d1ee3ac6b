import { describe, expect, test } from 'vitest';
import {
  ACCELERATORS,
  accelerator,
  checkpointOf,
  MODELS,
  model,
  modelOf,
  NODE_FLAVORS,
  type PRECISIONS,
} from '../../src/catalog/index.ts';
import { kvBytesKept, kvBytesPerToken, kvCopies, weightBytes } from '../../src/engine/index.ts';

describe('the catalogue', () => {
  test('has every id and every alias once', () => {
    for (const rows of [ACCELERATORS, MODELS]) {
      const names = rows.flatMap(({ id, aliases = [] }) => [id, ...aliases.filter((alias) => alias !== id)]);
      expect(new Set(names).size).toBe(names.length);
    }
    expect(new Set(NODE_FLAVORS.map(({ id }) => id)).size).toBe(NODE_FLAVORS.length);
  });

  test('says where every row comes from', () => {
    for (const { source } of [...ACCELERATORS, ...MODELS, ...NODE_FLAVORS]) expect(source.length).toBeGreaterThan(5);
  });

  test('has the accelerator of every flavor', () => {
    for (const flavor of NODE_FLAVORS) expect(accelerator(flavor.accelerator).id).toBe(flavor.accelerator);
  });

  test('knows measurement tables by their own names', () => {
    expect(accelerator('h100_sxm').id).toBe('h100');
    expect(model('deepseek-ai/DeepSeek-R1').id).toBe('deepseek-v3');
  });

  test('has no narrower operand slower than a wider one', () => {
    for (const { flops, fp8Flops = flops, fp4Flops = fp8Flops } of ACCELERATORS) {
      expect(fp8Flops).toBeGreaterThanOrEqual(flops);
      expect(fp4Flops).toBeGreaterThanOrEqual(fp8Flops);
    }
  });
});

describe('a model', () => {
  test.each(MODELS.map((row) => [row.id, row] as const))('%s: its parts add up to its parameters', (_id, row) => {
    const { attentionParameters, mlpParameters, headParameters, embeddingParameters } = row;
    const experts = row.expertLayers * (row.experts?.count ?? 0) * row.expertParameters;
    const sum = attentionParameters + mlpParameters + headParameters + embeddingParameters + experts;
    expect(Math.abs(sum / row.parameters - 1)).toBeLessThan(0.02);
    expect(weightBytes(row)).toBeCloseTo(2 * sum, -3);
  });

  /** Published active parameters, in thousands of millions; the embedding counts for some and not for others. */
  test.each([
    ['qwen3-30b-a3b', 3.3],
    ['qwen3-235b-a22b', 22],
    ['deepseek-v3', 37],
    ['kimi-k2', 32],
    ['mixtral-8x7b', 12.9],
    ['gpt-oss-120b', 5.1],
  ])('%s: a token goes through %d B of them', (id, published) => {
    expect(Math.abs(model(id).activeParameters / (published * 1e9) - 1)).toBeLessThan(0.1);
  });

  /** As published configurations give it: 2 L G d c, of latent attention 576 L c, in bf16. */
  test.each([
    ['llama-2-7b', 524_288],
    ['llama-2-13b', 819_200],
    ['llama-2-70b', 327_680],
    ['llama-3.1-8b', 131_072],
    ['llama-3.1-70b', 327_680],
    ['qwen2.5-7b', 57_344],
    ['qwen2.5-72b', 327_680],
    ['qwen3-8b', 147_456],
    ['qwen3-32b', 262_144],
    ['qwen3-30b-a3b', 98_304],
    ['qwen3-235b-a22b', 192_512],
    ['deepseek-v3', 70_272],
    ['kimi-k2', 70_272],
    ['mixtral-8x7b', 131_072],
    ['gpt-oss-120b', 73_728],
  ])('%s: a token keeps %d bytes of keys and values', (id, bytes) => {
    expect(kvBytesPerToken(model(id))).toBe(bytes);
  });

  test('with a window keeps less of a long context, with sparse attention all of it', () => {
    const windowed = model('gpt-oss-120b');
    expect(kvBytesKept(windowed)).toBe(kvBytesPerToken(windowed) / 2);
    const sparse = model('glm-5');
    expect(kvBytesKept(sparse)).toBe(kvBytesPerToken(sparse));
  });

  test('is held in copies once there are more devices than heads; a latent always is', () => {
    expect(kvCopies(model('qwen2.5-7b'), 4)).toBe(1);
    expect(kvCopies(model('qwen2.5-7b'), 8)).toBe(2);
    expect(kvCopies(model('deepseek-v3'), 8)).toBe(8);
  });

  test('takes no more memory the narrower its weights are', () => {
    for (const row of MODELS) {
      const bytes = (precision: (typeof PRECISIONS)[number]): number => weightBytes(row, checkpointOf(row, precision));
      expect(bytes('fp8')).toBeLessThan(bytes('bf16'));
      expect(bytes('fp4')).toBeLessThan(bytes('bf16'));
      expect(bytes('int8')).toBe(bytes('fp8'));
    }
  });

  test('from a configuration without aliases is as good as one of the table', () => {
    const { aliases: _, ...config } = model('qwen3-8b');
    expect(modelOf(config)).toEqual({ ...model('qwen3-8b'), aliases: undefined });
  });
});
