import { describe, expect, test } from 'vitest';
import type { Reply } from '../../src/gateway/index.ts';
import { type Ask, disaggregated, KV_BYTES_PER_TOKEN, live, ttft } from '../support/disaggregated.ts';

/** The connector and the fabric of the published measurement: 8 x CX7 RoCE, Qwen3-8B. */
const MEASURED = { setupMicros: 400, bytesPerSecond: 142e9 };
const fit = (tokens: number, sharing = 1): number =>
  MEASURED.setupMicros + (sharing * tokens * KV_BYTES_PER_TOKEN * 1e6) / MEASURED.bytesPerSecond;

/** Long prompts in one step, and room for all. */
const engine = { maxNumBatchedTokens: 300_000, maxModelLen: 33_000 };
/** A decode engine for each of eight: none waits for another's step. */
const world = (firstToken: 'prefill' | 'decode') =>
  disaggregated({ decode: 8, kvTransfer: { ...MEASURED, firstToken }, prefillEngine: engine, decodeEngine: engine });

/**
 * What a client can tell of the transfer: how much later its first token comes when decode gives it than when prefill
 * does, less the decode step.
 */
function transfers(asks: readonly Ask[]): number[] {
  const papers = live(world('prefill'), asks);
  const serving = live(world('decode'), asks);
  const step = (reply: Reply): number => reply.tokenTime(2) - reply.tokenTime(1);
  return serving.map((reply, index) => ttft(reply) - ttft(papers[index]!) - step(reply));
}

describe('the KV transfer of a simulated request against the measured fit, 0.4 ms + bytes / 142 GB/s', () => {
  test.each([1_000, 2_000, 4_000, 8_000, 16_000, 32_000])('alone, %i tokens: within 10 per cent', (promptTokens) => {
    const [micros] = transfers([{ at: 0, promptTokens, outputTokens: 5 }]);
    expect(Math.abs(micros! / fit(promptTokens) - 1)).toBeLessThan(0.1);
  });

  // Eight prompts of one step: their transfers begin at one moment.
  test.each([1_000, 4_000, 8_000])('eight at once, %i tokens each: within 10 per cent', (promptTokens) => {
    const asks = Array.from({ length: 8 }, () => ({ at: 0, promptTokens, outputTokens: 5 }));
    // The first is computed alone: what comes while a step runs waits for its end.
    const blocked = { at: 0, promptTokens: 1, outputTokens: 1 };
    const all = transfers([blocked, ...asks]).slice(1);
    expect(all.length).toBe(8);
    for (const micros of all) expect(Math.abs(micros / fit(promptTokens, 8) - 1)).toBeLessThan(0.1);
  });
});
