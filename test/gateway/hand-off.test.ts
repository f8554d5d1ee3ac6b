import { describe, expect, test } from 'vitest';
import type { Reply } from '../../src/gateway/index.ts';
import {
  type Ask,
  BYTES_PER_SECOND,
  disaggregated,
  KV_BYTES_PER_TOKEN,
  LAYERS,
  live,
  SETUP_MICROS,
  type Strike,
  ttft,
} from '../support/disaggregated.ts';

const PROMPT = 2_000;
const one: Ask[] = [{ at: 0, promptTokens: PROMPT, outputTokens: 10 }];
const burst: Ask[] = Array.from({ length: 8 }, (_, index) => ({
  at: index * 100_000,
  promptTokens: 2_000,
  outputTokens: 100,
}));
const transferMicros = (tokens: number): number =>
  SETUP_MICROS + (tokens * KV_BYTES_PER_TOKEN * 1e6) / BYTES_PER_SECOND;
const broken: Strike[] = [{ at: 0, fault: { kind: 'break-link' } }];

/** How long after token `index` - 1 the token `index` came. */
const gap = (reply: Reply, index: number): number => reply.tokenTime(index) - reply.tokenTime(index - 1);

describe('the hand-off from prefill to decode', () => {
  test('a first token from decode comes a transfer and one decode step later than one from prefill', () => {
    const [papers] = live(disaggregated({ kvTransfer: { firstToken: 'prefill' } }), one) as [Reply];
    const [serving] = live(disaggregated({ kvTransfer: { firstToken: 'decode' } }), one) as [Reply];
    const step = gap(serving, 1);
    expect(Math.abs(ttft(serving) - ttft(papers) - transferMicros(PROMPT) - step)).toBeLessThan(0.01 * step);
    expect(Math.abs(gap(papers, 1) - transferMicros(PROMPT) - step)).toBeLessThan(0.01 * step);
    expect(gap(papers, 2)).toBeLessThan(1.01 * step);
  });

  test('pushed layer by layer, all but the last layer is hidden behind the prompt', () => {
    const [pulled] = live(disaggregated({ kvTransfer: { mode: 'pull' } }), one) as [Reply];
    const [pushed] = live(disaggregated({ kvTransfer: { mode: 'push' } }), one) as [Reply];
    const hidden = (transferMicros(PROMPT) - SETUP_MICROS) * (1 - 1 / LAYERS);
    expect(Math.abs(ttft(pulled) - ttft(pushed) - hidden)).toBeLessThanOrEqual(2);
  });

  test('pushed over a link that is slower than the prompt, what could not be carried meanwhile is seen', () => {
    // A token's keys and values take longer than its computation.
    const bytesPerSecond = 1e9;
    const [pulled] = live(disaggregated({ kvTransfer: { mode: 'pull', bytesPerSecond } }), one) as [Reply];
    const [pushed] = live(disaggregated({ kvTransfer: { mode: 'push', bytesPerSecond } }), one) as [Reply];
    const [papers] = live(disaggregated({ kvTransfer: { firstToken: 'prefill' } }), one) as [Reply];
    expect(Math.abs(ttft(pulled) - ttft(pushed) - ttft(papers))).toBeLessThanOrEqual(2);
  });

  test('pushed while the prompt is computed, and not while it waits for the decode engine to have room', () => {
    const bytesPerSecond = 1e9;
    const queued: Ask[] = [
      { at: 0, promptTokens: 1_500, outputTokens: 200 },
      { at: 1_000_000, promptTokens: PROMPT, outputTokens: 10 },
    ];
    const short = { kvBlocks: 160, maxModelLen: 2_200 };
    const waited = (mode: 'pull' | 'push'): number => {
      const world = disaggregated({ kvTransfer: { mode, bytesPerSecond }, decodeEngine: short });
      const [first, second] = live(world, queued) as [Reply, Reply];
      expect(first.endedAt).toBeGreaterThan(second.arrivedAt + 1_000_000);
      return second.tokenTime(0) - first.endedAt;
    };
    const [papers] = live(disaggregated({ kvTransfer: { firstToken: 'prefill' } }), one) as [Reply];
    expect(Math.abs(waited('pull') - waited('push') - ttft(papers))).toBeLessThanOrEqual(2);
  });

  test('pushed again after a failure, it goes as a whole', () => {
    const [whole] = live(disaggregated({ kvTransfer: { mode: 'push' } }), one) as [Reply];
    const breaksAt = ttft(whole) - gap(whole, 1) - 20;
    const strikes: Strike[] = [{ at: breaksAt, fault: { kind: 'break-link', lasting: 1 } }];
    const [reply] = live(disaggregated({ kvTransfer: { mode: 'push' } }), one, strikes) as [Reply];
    expect(Math.abs(ttft(reply) - breaksAt - transferMicros(PROMPT) - gap(reply, 1))).toBeLessThanOrEqual(100);
  });

  test('a broken link is tried again, then the decode engine computes the prompt: later, and with all tokens', () => {
    const [whole] = live(disaggregated(), one) as [Reply];
    for (const retries of [0, 1, 3]) {
      const world = disaggregated({ kvTransfer: { retries } });
      const [reply] = live(world, one, broken) as [Reply];
      const prefill = ttft(whole) - transferMicros(PROMPT) - gap(whole, 1);
      // Two prompts computed, and between them a set-up for each try.
      expect(Math.abs(ttft(reply) - 2 * prefill - (1 + retries) * SETUP_MICROS)).toBeLessThan(0.01 * prefill);
      expect(ttft(reply)).toBeGreaterThan(ttft(whole));
      expect(reply.tokensSent).toBe(10);
      const [sender, computer] = [...world.engines.all].map((engine) => engine.figures().busyMicros);
      expect(computer).toBeGreaterThan(sender!);
    }
  });

  test('a link that is mended in time costs one transfer more, and nothing is computed twice', () => {
    const [whole] = live(disaggregated(), one) as [Reply];
    const prefill = ttft(whole) - transferMicros(PROMPT) - gap(whole, 1);
    const halfway = Math.round(prefill + transferMicros(PROMPT) / 2);
    const strikes: Strike[] = [{ at: halfway, fault: { kind: 'break-link', lasting: 1 } }];
    const [reply] = live(disaggregated(), one, strikes) as [Reply];
    expect(Math.abs(ttft(reply) - ttft(whole) - transferMicros(PROMPT) / 2)).toBeLessThan(
      0.02 * transferMicros(PROMPT),
    );
  });

  test('a decode engine that is short of blocks holds prompts back on the prefill side, and none is lost', () => {
    // 2,100 tokens take 132 blocks of 16: one answer at a time.
    const world = disaggregated({ decodeEngine: { kvBlocks: 160, maxModelLen: 2_200 } });
    const [prefill, decode] = world.engines.all;
    const most = { held: 0, waiting: 0, receivingOrRunning: 0 };
    const asked = burst.map((ask, index) => ({ ...ask, at: index * 1_000 }));
    const look = (): void => {
      world.check();
      most.held = Math.max(most.held, prefill!.figures().held);
      const { waiting, receiving, running } = decode!.figures();
      most.waiting = Math.max(most.waiting, waiting - receiving);
      most.receivingOrRunning = Math.max(most.receivingOrRunning, receiving + running);
    };
    const replies = live(world, asked, [], { lookEvery: 1, look });
    for (const reply of replies) expect(reply.tokensSent).toBe(100);
    expect(most.receivingOrRunning).toBe(1);
    expect(most.waiting).toBeGreaterThanOrEqual(6);
    expect(most.held).toBeGreaterThanOrEqual(7);
    // One after the other: they end in the order in which they came.
    const ends = replies.map(({ endedAt }) => endedAt);
    expect(ends).toEqual(ends.toSorted((a, b) => a - b));
  });

  test('prompts that are held fill the prefill engine, which takes no more until they are fetched', () => {
    const world = disaggregated({
      prefillEngine: { kvBlocks: 260, maxModelLen: 2_200 },
      decodeEngine: { kvBlocks: 160, maxModelLen: 2_200 },
    });
    const replies = live(
      world,
      burst.map((ask) => ({ ...ask, at: 0 })),
    );
    for (const reply of replies) expect(reply.state).toBe('finished');
  });

  test('a prefill engine that dies while a prompt waits to be fetched: the decode engine computes it', () => {
    const world = disaggregated({ decodeEngine: { kvBlocks: 160, maxModelLen: 2_200 } });
    const kill: Strike[] = [{ at: 3_000_000, fault: { kind: 'kill-pod', unit: 'prefill' } }];
    const replies = live(world, burst, kill);
    for (const reply of replies) expect(reply.state).toBe('finished');
    expect(world.engines.all[1]!.figures().busyMicros).toBeGreaterThan(0);
  });

  test('a client that leaves in the last step of its prompt has no token and leaves nothing behind', () => {
    const [whole] = live(disaggregated({ kvTransfer: { firstToken: 'prefill' } }), one) as [Reply];
    const leaves = [{ ...one[0]!, leavesAfter: ttft(whole) - 1 }];
    const [decode] = live(disaggregated(), leaves) as [Reply];
    expect([decode.state, decode.tokensSent]).toEqual(['aborted', 0]);
    const [prefill] = live(disaggregated({ kvTransfer: { firstToken: 'prefill' } }), leaves) as [Reply];
    expect([prefill.state, prefill.tokensSent]).toEqual(['aborted', 1]);
  });

  test('an answer of one token from prefill ends there', () => {
    const world = disaggregated({ kvTransfer: { firstToken: 'prefill' } });
    const [reply] = live(world, [{ at: 0, promptTokens: 100, outputTokens: 1 }]) as [Reply];
    expect([reply.state, reply.tokensSent]).toEqual(['finished', 1]);
    expect(world.engines.all[1]!.figures().busyMicros).toBe(0);
  });
});
