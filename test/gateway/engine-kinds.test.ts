import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';

const kind = fc.constantFrom('vllm', 'sglang', 'trtllm', 'mindie');
const limits = fc.record({
  maxNumSeqs: fc.integer({ min: 1, max: 8 }),
  maxNumBatchedTokens: fc.integer({ min: 64, max: 2_048 }),
  kvBlocks: fc.integer({ min: 64, max: 200 }),
});

describe('prefill and decode engines of any kinds', () => {
  test('finish every request that fits both, whatever their limits', () => {
    fc.assert(
      fc.property(kind, kind, limits, limits, fc.integer({ min: 1, max: 1_000 }), (prefill, decode, p, d, seed) => {
        const unit = (role: string, engineKind: string, engine: object) => {
          return { role, model: 'qwen3-8b', engine: { kind: engineKind, maxModelLen: 1_000, ...engine } };
        };
        const lab = Lab.fromObject({
          inferlab: 1,
          name: 'kinds',
          seed,
          pools: [{ name: 'p', nodes: [{ flavor: 'h100-8', count: 1 }] }],
          services: [
            {
              name: 'chat',
              deployments: [
                {
                  name: 'main',
                  pool: 'p',
                  instances: 1,
                  units: [unit('prefill', prefill, p), unit('decode', decode, d)],
                },
              ],
            },
          ],
          traffic: [
            {
              name: 'users',
              service: 'chat',
              count: 40,
              arrivals: { kind: 'poisson', rate: 50 },
              lengths: {
                prompt: { kind: 'lognormal', median: 300, sigma: 0.8, max: 2_000 },
                output: { kind: 'lognormal', median: 60, sigma: 0.8, max: 400 },
              },
            },
          ],
        });
        const { requests } = lab.simulate();
        expect(requests).toMatchObject({ total: 40, inFlight: 0, cut: 0, completed: 40 - requests.refused });
      }),
      { numRuns: 40 },
    );
  });
});
