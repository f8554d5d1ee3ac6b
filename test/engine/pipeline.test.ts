import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accelerator, checkpointOf, MODELS, model, stepTimeFit } from '../../src/catalog/index.ts';
import { kvBytesKept, type Parallelism, RooflineModel, type StepWork, weightBytes } from '../../src/engine/index.ts';
import { allReduce, expertExchange } from '../../src/engine/step-time/collectives.ts';
import { IDEAL } from '../support/ideal-scalars.ts';

const H100 = accelerator('h100');
/** Links and networks of which nobody notices anything. */
const WIRED = { ...H100, linkBandwidth: 1e18, networkBandwidth: 1e18, networkMicros: 0 };

const ideal = (id: string, parallelism: Parallelism, device = H100): RooflineModel =>
  new RooflineModel(model(id), device, IDEAL, parallelism);

const fitted = (id: string, parallelism: Parallelism): RooflineModel => {
  const { scalars } = stepTimeFit({ accelerator: H100, engine: 'vllm', precision: 'bf16', model: model(id) });
  return new RooflineModel(model(id), H100, scalars, parallelism);
};

function decode(sequences: number, context: number): StepWork {
  const contextTokens = sequences * context;
  return { sequences, newTokens: sequences, contextTokens, attentionPairs: contextTokens + sequences / 2 };
}

function prompt(tokens: number): StepWork {
  const pairs = tokens ** 2 / 2;
  const prompts = { promptSequences: 1, promptTokens: tokens, promptContext: 0, promptPairs: pairs };
  return { sequences: 1, newTokens: tokens, contextTokens: 0, attentionPairs: pairs, ...prompts };
}

/** A prompt's chunk beside sequences that decode. */
function mixed(tokens: number, sequences: number, context: number): StepWork {
  const sum: StepWork = { ...prompt(tokens) };
  const beside = decode(sequences, context);
  for (const key of Object.keys(beside) as (keyof StepWork)[]) sum[key] = (sum[key] ?? 0) + beside[key]!;
  return sum;
}

const models = fc.constantFrom(...MODELS.map(({ id }) => id));
const works = fc
  .tuple(fc.integer({ min: 2, max: 20_000 }), fc.integer({ min: 1, max: 300 }), fc.nat(8_000))
  .chain(([tokens, sequences, context]) =>
    fc.constantFrom(decode(sequences, context), prompt(tokens), mixed(tokens, sequences, context)),
  );
const headOf = (id: string, sequences: number, devices: number): number => {
  const { headParameters } = model(id);
  const read = (2 * headParameters) / (devices * H100.memoryBandwidth);
  const compute = (2 * headParameters * sequences) / (devices * H100.flops);
  return 1e6 * (read + compute);
};

describe('a pipeline', () => {
  test('of one stage on one node is no pipeline, to the bit', () => {
    fc.assert(
      fc.property(models, works, fc.constantFrom(1, 8), fc.constantFrom(1, 8), (id, work, ranks, budget) => {
        const spread = { devices: 8, attentionRanks: ranks };
        const plain = fitted(id, spread);
        const same = fitted(id, { ...spread, stages: 1, nodes: 1, microBatchTokens: budget });
        expect(same.stepMicros(work)).toBe(plain.stepMicros(work));
        expect(same.decodeMicros(7, 900, 11)).toBe(plain.decodeMicros(7, 900, 11));
      }),
    );
  });

  test('conserves work: S stages turn S batches in the time in which one stage alone has done one', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('llama-3.1-70b', 'qwen3-235b-a22b', 'gpt-oss-120b'),
        fc.constantFrom(2, 4),
        fc.integer({ min: 1, max: 200 }),
        fc.nat(4_000),
        (id, asked, sequences, context) => {
          // Whole layers in each stage.
          const stages = model(id).layers % asked === 0 ? asked : 2;
          const alone = ideal(id, { devices: 4 }, WIRED).stepMicros(decode(sequences, context));
          const turn = ideal(id, { devices: 4 * stages, stages }, WIRED).stepMicros(
            decode(stages * sequences, context),
          );
          expect(turn).toBeGreaterThanOrEqual(alone * (1 - 1e-9));
          // The last stage has the head besides, for which the others wait.
          expect(turn).toBeLessThanOrEqual((alone + (stages - 1) * headOf(id, sequences, 4)) * (1 + 1e-9));
        },
      ),
    );
  });

  test('leaves stages idle when there are fewer sequences', () => {
    const steps = ideal('llama-3.1-70b', { devices: 8, stages: 4 });
    expect(steps.stepMicros(decode(1, 1_000))).toBe(steps.stepMicros(decode(4, 1_000)));
    expect(steps.stepMicros(decode(5, 1_000))).toBeGreaterThan(steps.stepMicros(decode(4, 1_000)));
  });

  test('computes a lone prompt no sooner than one of its stages would all of it', () => {
    const stages = ideal('llama-3.1-70b', { devices: 8, stages: 4, microBatchTokens: 8_192 });
    const alone = ideal('llama-3.1-70b', { devices: 2 });
    expect(stages.stepMicros(prompt(4_096))).toBeGreaterThanOrEqual(alone.stepMicros(prompt(4_096)));
    // As much again for every stage, side by side.
    const four = stages.stepMicros(prompt(4 * 8_192)) / stages.stepMicros(prompt(8_192));
    expect(four).toBeGreaterThan(1);
    expect(four).toBeLessThan(2);
  });

  test('waits for the stage with a layer more', () => {
    const time = (stages: number): number =>
      ideal('llama-3.1-8b', { devices: stages, stages }, WIRED).stepMicros(prompt(8_192));
    expect(time(5) / time(4)).toBeCloseTo((5 * 7) / 32, 2);
  });

  test('has a closed form that is the sum of its steps', () => {
    fc.assert(
      fc.property(
        models,
        fc.integer({ min: 1, max: 40 }),
        fc.nat(3_000),
        fc.integer({ min: 1, max: 30 }),
        (...told) => {
          const [id, sequences, context, count] = told;
          const steps = fitted(id, { devices: 16, stages: 2, nodes: 2, attentionRanks: 2 });
          let sum = 0;
          for (let step = 0; step < count; step++) {
            const contextTokens = sequences * (context + step);
            sum += steps.stepMicros({ ...decode(sequences, 0), contextTokens });
          }
          expect(steps.decodeMicros(sequences, sequences * context, count) / sum).toBeCloseTo(1, 9);
        },
      ),
    );
  });
});

describe('more devices', () => {
  test('in a node make no step slower', () => {
    fc.assert(
      fc.property(models, works, fc.constantFrom(1, 2, 4), (id, work, devices) => {
        const [few, many] = [ideal(id, { devices }), ideal(id, { devices: 2 * devices })];
        expect(many.stepMicros(work)).toBeLessThanOrEqual(few.stepMicros(work) * (1 + 1e-9));
      }),
    );
  });

  test('are slower the more nodes one tensor or expert group of them crosses', () => {
    fc.assert(
      fc.property(models, works, fc.constantFrom(1, 16), (id, work, attentionRanks) => {
        const over = (nodes: number): number => fitted(id, { devices: 16, attentionRanks, nodes }).stepMicros(work);
        const exchanges = attentionRanks === 1 || model(id).expertLayers > 0;
        if (exchanges) expect(over(2)).toBeGreaterThan(over(1));
        if (exchanges) expect(over(4)).toBeGreaterThan(over(2));
        else expect(over(2)).toBe(over(1));
      }),
    );
  });

  test('over two nodes compute prompts faster in two stages than in one tensor group', () => {
    // With a network of a tenth of the link, as vLLM's documents advise.
    const spread = { devices: 16, nodes: 2, microBatchTokens: 8_192 };
    const [stages, tensor] = [{ ...spread, stages: 2 }, spread].map((each) => ideal('llama-3.1-70b', each));
    expect(stages!.stepMicros(prompt(16_384))).toBeLessThan(tensor!.stepMicros(prompt(16_384)));
  });

  test('pay for the network by its bandwidth and its latency', () => {
    const step = (network: object): number =>
      ideal('llama-3.1-70b', { devices: 16, nodes: 2 }, { ...H100, ...network }).stepMicros(prompt(8_192));
    expect(step({ networkBandwidth: 100e9 })).toBeLessThan(step({}));
    // Two all-reduces a layer, each up and down the tree.
    expect(step({ networkMicros: 11 }) - step({})).toBeCloseTo(2 * 80 * 2, 3);
  });
});

describe('experts over nodes', () => {
  const deepseek = model('deepseek-v3');
  const { scalars } = stepTimeFit({ accelerator: H100, engine: 'sglang', precision: 'fp8', model: deepseek });
  const over = (nodes: number): RooflineModel => {
    const devices = 8 * nodes;
    const spread = { devices, attentionRanks: devices, nodes };
    return new RooflineModel(deepseek, H100, scalars, spread, checkpointOf(deepseek, 'fp8'));
  };

  // "Deploying DeepSeek with PD disaggregation and large-scale expert parallelism on 96 H100 GPUs", LMSYS, 2025-05-05.
  test('take the time that SGLang published for DeepSeek-V3, but for its overlap of two batches', () => {
    const [prompts, tokens] = [32 * 4, 4_096];
    const [all, pairs] = [prompts * tokens, (prompts * tokens ** 2) / 2];
    const prefill = over(4).stepMicros({
      sequences: prompts,
      newTokens: all,
      contextTokens: 0,
      attentionPairs: pairs,
      promptSequences: prompts,
      promptTokens: all,
      promptContext: 0,
      promptPairs: pairs,
    });
    const perNode = (1e6 * all) / prefill / 4 / 50_302;
    expect(perNode).toBeGreaterThan(0.75);
    expect(perNode).toBeLessThan(1);

    const sequences = 72 * 256;
    const decoded = (1e6 * sequences) / over(9).stepMicros(decode(sequences, 2_050)) / 9 / 22_282;
    expect(decoded).toBeGreaterThan(0.75);
    expect(decoded).toBeLessThan(1);
  });
});

describe('a collective over nodes', () => {
  test('reduces in the node first, and sends each device its part', () => {
    expect(allReduce(8, 1)).toEqual({ inside: 1.75, across: 0, hops: 0 });
    expect(allReduce(16, 2)).toEqual({ inside: 1.75, across: 0.125, hops: 2 });
    expect(allReduce(16, 16)).toEqual({ inside: 0, across: 1.875, hops: 8 });
  });

  test('sends a token to each other node at most once', () => {
    expect(expertExchange(8, 1)).toEqual({ inside: 8, across: 0, hops: 0 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 2, max: 64 }), (topK, nodes) => {
        const { across } = expertExchange(topK, nodes);
        expect(across).toBeLessThanOrEqual(Math.min(topK, nodes - 1));
        expect(across).toBeGreaterThanOrEqual(((nodes - 1) / nodes) * (1 - 1e-9));
      }),
    );
  });
});

describe('memory of a pipeline', () => {
  test('is shared out by layers, but for the head and the embedding', () => {
    const llama = model('llama-3.1-70b');
    const layered = weightBytes(llama) - 4 * llama.headParameters;
    expect(weightBytes(llama, undefined, 1, 4)).toBe(layered + 4 * 2 * llama.headParameters);
    expect(weightBytes(llama, undefined, 1, 1)).toBe(weightBytes(llama));
    expect(kvBytesKept(llama, 2, 4)).toBe(kvBytesKept(llama));
  });

  test('counts every stage as the fullest', () => {
    const llama = model('llama-3.1-8b');
    expect(kvBytesKept(llama, 2, 5) / kvBytesKept(llama)).toBeCloseTo(35 / 32, 9);
    const layered = weightBytes(llama) - 4 * llama.headParameters;
    expect(weightBytes(llama, undefined, 1, 5) - 5 * 2 * llama.headParameters).toBeCloseTo((layered * 35) / 32, -2);
  });
});
