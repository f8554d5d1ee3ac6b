import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BatchingPolicy, EngineSpec } from '../../src/engine/index.ts';
import { closedLoop } from '../../src/fidelity/harness/closed-loop.ts';
import { disaggregated } from '../../src/fidelity/harness/disaggregated.ts';
import { closedLoopRequests, disaggregatedRequests, drawRequests } from '../../src/fidelity/harness/load.ts';
import { openLoop } from '../../src/fidelity/harness/open-loop.ts';
import { micros } from '../../src/kernel/index.ts';
import { integerModel } from '../support/engine-run.ts';

const PROMPT = 60;
const OUTPUT = 20;

const load = fc.record({
  clients: fc.integer({ min: 1, max: 12 }),
  rounds: fc.integer({ min: 1, max: 4 }),
  spareBlocks: fc.nat(40),
  budget: fc.integer({ min: 8, max: 200 }),
  batching: fc.constantFrom<BatchingPolicy>('vllm', 'sglang', 'trtllm'),
});

function specOf(clients: number, budget: number, spareBlocks: number, batching: BatchingPolicy): EngineSpec {
  return {
    maxNumSeqs: clients,
    maxNumBatchedTokens: Math.max(budget, clients),
    blockSize: 4,
    kvBlocks: Math.ceil((PROMPT + OUTPUT + 1) / 4) + spareBlocks,
    maxModelLen: PROMPT + OUTPUT,
    stepTime: integerModel(500, 3, 1),
    batching,
  };
}

describe('drawn lengths', () => {
  test('are even from the shortest to the nominal, and the same every time', () => {
    const { promptTokens, outputTokens } = drawRequests(20_000, 1_000, 500, 0.8);
    expect(Math.min(...promptTokens)).toBe(800);
    expect(Math.max(...promptTokens)).toBe(1_000);
    expect(outputTokens.reduce((sum, tokens) => sum + tokens, 0) / 20_000).toBeCloseTo(450, -1);
    expect(drawRequests(20_000, 1_000, 500, 0.8).promptTokens).toEqual(promptTokens);
  });

  test('are the nominal ones when fixed', () =>
    expect(new Set(drawRequests(100, 128, 7, 1).outputTokens)).toEqual(new Set([7])));

  test('are of fewer rounds for many clients', () => {
    expect([512, 513, 2_048, 2_049].map(closedLoopRequests)).toEqual([5_120, 2_565, 10_240, 6_147]);
    expect([256, 257, 1_025].map(disaggregatedRequests)).toEqual([2_560, 1_028, 2_050]);
  });
});

describe('a closed loop', () => {
  test('ends every request, with never more under way than there are clients', () => {
    fc.assert(
      fc.property(load, ({ clients, rounds, budget, spareBlocks, batching }) => {
        const requests = drawRequests(clients * rounds, PROMPT, OUTPUT, 0.5);
        const outcome = closedLoop(specOf(clients, budget, spareBlocks, batching), {
          clients,
          requests,
          frontEndMs: () => 0,
        });
        // It throws when a request does not end.
        expect(outcome.requests).toBe(clients * rounds);
        expect(outcome.mostOpen).toBe(clients);
        expect(outcome.e2eMs).toBeGreaterThanOrEqual(outcome.ttftMs);
      }),
    );
  });

  test('of one client is prompt, then steps: TTFT and TPOT by hand', () => {
    const requests = drawRequests(3, 40, 5, 1);
    const outcome = closedLoop(specOf(1, 200, 0, 'vllm'), { clients: 1, requests, frontEndMs: (tokens) => tokens });
    expect(outcome.ttftMs).toBeCloseTo((500 + 3 * 40) / 1_000 + 40);
    // Steps over 40 to 43 tokens of context.
    expect(outcome.tpotMs).toBeCloseTo((500 + 3 + 41.5) / 1_000);
    expect(outcome.outputTokensPerSecond).toBeCloseTo(15 / (3 * (0.00062 + 4 * 0.0005445)));
  });
});

describe('prefill and decode engines', () => {
  const bytes = 100;

  test('end every request, closed and open, with never more under way than clients', () => {
    fc.assert(
      fc.property(
        load,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom('prefill', 'decode'),
        ({ clients, rounds, budget, spareBlocks, batching }, prefillEngines, decodeEngines, firstToken) => {
          const requests = drawRequests(clients * rounds, PROMPT, OUTPUT, 0.05);
          const setup = {
            prefill: specOf(clients, budget, spareBlocks, batching),
            prefillEngines,
            decode: specOf(clients, budget, spareBlocks, 'vllm'),
            decodeEngines,
            link: { setupMicros: 50, bytesPerSecond: 1e7, uploads: 'parallel' as const },
            kvBytesPerToken: bytes,
            firstToken: firstToken as 'prefill' | 'decode',
            frontEndMs: () => 0,
          };
          const closed = disaggregated(setup, { requests, arrivals: { clients } });
          expect(closed.requests).toBe(clients * rounds);
          expect(closed.mostOpen).toBe(clients);
          const at = Array.from({ length: clients * rounds }, (_, index) => micros(300 * index));
          expect(disaggregated(setup, { requests, arrivals: { at } }).requests).toBe(clients * rounds);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('of one client: transfer and a step are in TTFT when decode shows the first token, in TPOT when prefill does', () => {
    const requests = drawRequests(2, 40, 5, 1);
    const outcome = (firstToken: 'prefill' | 'decode') =>
      disaggregated(
        {
          prefill: specOf(1, 200, 0, 'vllm'),
          prefillEngines: 1,
          decode: specOf(1, 200, 0, 'vllm'),
          decodeEngines: 1,
          link: { setupMicros: 1_000, bytesPerSecond: 1e6, uploads: 'parallel' },
          kvBytesPerToken: bytes,
          firstToken,
          frontEndMs: () => 0,
        },
        { requests, arrivals: { clients: 1 } },
      );
    const prompt = 0.62;
    const transfer = 1 + 4;
    expect(outcome('prefill').ttftMs).toBeCloseTo(prompt);
    // The first decode step of a prompt of 40: fixed, one token, and the context but the token that it computes.
    const step = (500 + 3 + 39) / 1_000;
    expect(outcome('decode').ttftMs).toBeCloseTo(prompt + transfer + step);
    expect(outcome('decode').e2eMs - outcome('prefill').e2eMs).toBeCloseTo(step);
    expect(outcome('decode').tpotMs).toBeCloseTo((500 + 3 + 41.5) / 1_000);
  });
});

describe('an open loop', () => {
  test('sends to its engines in turn: two halve the wait of requests that come in pairs', () => {
    const at = [0, 0, 1_000_000, 1_000_000].map(micros);
    const requests = { at, ...drawRequests(4, 40, 2, 1) };
    const mean = (engines: number) => openLoop(specOf(1, 200, 0, 'vllm'), { requests, engines, frontEndMs: 0 }).ttftMs;
    expect(mean(2)).toBeCloseTo(0.62);
    expect(mean(1)).toBeGreaterThan(0.9);
  });
});
