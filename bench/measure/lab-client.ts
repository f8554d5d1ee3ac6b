import { join } from 'node:path';
import OpenAI from 'openai';
import type { Lab } from '../../src/index.ts';
import { built, ROOT } from '../support/built.ts';
import { once } from '../support/once.ts';
import { chatRequest, differences, type SeenStream, seenStream } from '../support/openai-streams.ts';

const SCENARIO = join(ROOT, 'scenarios/quickstart.yaml');
const MODEL = 'qwen3-8b';
/** Streams begin this far apart, so that prefills meet decodes. */
const GAP_MS = 37;
const RETRY_AFTER_SECONDS = 90;
const HASH_RUNS = 100;
/** More than a minute of streaming. */
const MINUTE_TOKENS = 4_000;

/** The real client inside a lab. */
function clientOf(lab: Lab): OpenAI {
  return new OpenAI({ baseURL: lab.url('chat'), apiKey: lab.apiKey('chat'), fetch: lab.fetch });
}

/** Streams at once, in lab time; the i-th asks for `tokens + i` tokens. */
function streams(lab: Lab, count: number, tokens: number): Promise<SeenStream[]> {
  return lab.run(() => {
    const client = clientOf(lab);
    return Promise.all(
      Array.from({ length: count }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, index * GAP_MS));
        return seenStream(client, MODEL, tokens + index);
      }),
    );
  });
}

/** Streaming through the real client in lab time: tokens that it received. */
export async function labTokens(): Promise<() => Promise<number>> {
  const { Lab } = await built('.');
  return async () => {
    const lab = Lab.fromFile(SCENARIO, { settings: ['traffic=[]', 'timeline=[]'] });
    const seen = await streams(lab, 20, 200);
    return seen.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  };
}

/** The largest difference between what 50 streams measured in lab time and what was simulated, whole microseconds. */
export const labDifferences = once(async () => {
  const { Lab } = await built('.');
  const lab = Lab.fromFile(SCENARIO, { settings: ['traffic=[]', 'timeline=[]'] });
  const seen = await streams(lab, 50, 100);
  const simulated = lab.requests().map(({ outputTokens, arrivedAt, firstTokenAt, endedAt }) => ({
    outputTokens,
    arrivedMicros: arrivedAt,
    firstTokenMicros: firstTokenAt,
    endedMicros: endedAt,
  }));
  const found = differences(seen, simulated);
  const largest = (milliseconds: readonly number[]): number => Math.round(Math.max(...milliseconds) * 1_000);
  return {
    ttftMicros: largest(found.map((each) => each.ttftMs)),
    tpotMicros: largest(found.map((each) => each.tpotMs)),
  };
});

/** Trace hashes of many runs of one test, with clients, the scenario's traffic and a client that leaves. */
export async function labHashes(): Promise<number> {
  const { Lab } = await built('.');
  const hashes = new Set<string>();
  for (let run = 0; run < HASH_RUNS; run++) {
    const lab = Lab.fromFile(SCENARIO);
    await lab.run(async () => {
      const client = clientOf(lab);
      const all = Array.from({ length: 10 }, (_, index) => seenStream(client, MODEL, 30 + index));
      const left = await client.chat.completions.create(chatRequest(MODEL, 500));
      for await (const _ of left) break;
      await Promise.all(all);
    });
    hashes.add(lab.traceHash);
  }
  return hashes.size;
}

/** Wall milliseconds of a simulated minute that one client streams through. @throws when it was less than a minute */
export async function streamingMinuteMs(): Promise<number> {
  const { Lab } = await built('.');
  const lab = Lab.fromFile(SCENARIO, { settings: ['traffic=[]', 'timeline=[]'] });
  lab.runUntilReady();
  const [began, wallBegan] = [lab.nowMs, performance.now()];
  await lab.run(() => seenStream(clientOf(lab), MODEL, MINUTE_TOKENS));
  const wallMs = performance.now() - wallBegan;
  const streamed = lab.nowMs - began;
  if (streamed < 60_000) throw new Error(`${MINUTE_TOKENS} tokens took ${streamed} simulated ms, expected a minute`);
  return wallMs;
}

/** Wall seconds in which the client obeys a 429 that asks for 90 seconds. @throws unless it did */
export async function retryAfterWallSeconds(): Promise<number> {
  const { Lab } = await built('.');
  const lab = Lab.fromFile(SCENARIO, { settings: ['traffic=[]', 'timeline=[]'] });
  lab.runUntilReady();
  const refusal = { retryAfterSeconds: RETRY_AFTER_SECONDS, lastingSeconds: RETRY_AFTER_SECONDS - 1 };
  lab.fault({ kind: 'refuse', service: 'chat', status: 429, ...refusal });
  const [began, wallBegan] = [lab.nowMs, performance.now()];
  await lab.run(() => seenStream(clientOf(lab), MODEL, 20));
  const wallSeconds = (performance.now() - wallBegan) / 1_000;
  const waited = (lab.nowMs - began) / 1_000;
  if (lab.requests().length !== 2 || waited < RETRY_AFTER_SECONDS) {
    throw new Error(`${lab.requests().length} requests in ${waited} simulated seconds; expected 2 in 90 or more`);
  }
  return wallSeconds;
}
