import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type OpenAI from 'openai';
import type { Addresses } from '../../src/api/index.ts';
import type { Verdict } from '../../src/scenario/index.ts';
import { inFolder, inferlab } from '../support/cli.ts';
import { underLoad, whileServing } from '../support/live-session.ts';
import { chatRequest, openaiFor } from '../support/openai-streams.ts';

const SPEEDS = [1, 20] as const;
/** What clients do in a session, all of it at once. */
const CLIENTS = { streams: 50, aborted: 10, refused: 10, short: 30 } as const;
/** Wall seconds from the start to the death of a pod, and to the end. */
const POD_DIES_AFTER_SECONDS = 4;
const SESSION_SECONDS = 6;
/** Tokens of a stream at speed 1: about four seconds. */
const STREAM_TOKENS = 120;

/** Live sessions whose replay has another hash or other token times. @throws unless the sessions were what they must be */
export async function replaysThatDiffer(): Promise<number> {
  let differ = 0;
  for (const speed of SPEEDS) if (!(await replaysTheSame(speed))) differ++;
  return differ;
}

function replaysTheSame(speed: number): Promise<boolean> {
  return inFolder(async (folder) => {
    const file = (name: string): string => join(folder, name);
    const sets = [`duration=${SESSION_SECONDS * speed}s`, `timeline.0.at=${POD_DIES_AFTER_SECONDS * speed}s`];
    const options = ['--speed', `${speed}`, ...sets.flatMap((set) => ['--set', set])];
    const kept = ['--journal', file('journal'), '--requests', file('live.jsonl'), '--tokens'];
    const { verdict } = await underLoad(() =>
      whileServing(['scenarios/quickstart.yaml', ...options, ...kept], (addresses) => clients(addresses, speed)),
    );
    const live = await readFile(file('live.jsonl'), 'utf8');
    checkSession(verdict, live, await readFile(file('journal'), 'utf8'));
    // It exits as its session did, with a failure where the dead pod decides; what it printed and wrote is what counts.
    const replay = await inferlab([
      'replay',
      file('journal'),
      '--json',
      '--requests',
      file('replay.jsonl'),
      '--tokens',
    ]);
    if (replay.stdout === '') throw new Error(`inferlab replay exited with ${replay.code}: ${replay.stderr.trim()}`);
    const { traceHash } = JSON.parse(replay.stdout) as Verdict;
    return traceHash === verdict.traceHash && (await readFile(file('replay.jsonl'), 'utf8')) === live;
  });
}

async function clients(addresses: Addresses, speed: number): Promise<void> {
  const client = openaiFor(addresses);
  const { model } = addresses.services[0]!;
  const tokens = STREAM_TOKENS * speed;
  const wrongKey = client.withOptions({ apiKey: 'wrong' });
  const times = (count: number, work: () => Promise<void>) => Array.from({ length: count }, work);
  // A pod dies on the way, so many of these fail: what failed how is in the journal and the request log.
  await Promise.allSettled([
    ...times(CLIENTS.aborted, () => readUpTo(client, model, tokens, 5)),
    ...times(CLIENTS.streams, () => readUpTo(client, model, tokens, Number.POSITIVE_INFINITY)),
    ...times(CLIENTS.refused, () => readUpTo(wrongKey, model, tokens, 1)),
    ...times(CLIENTS.short, () => readUpTo(client, model, 20, Number.POSITIVE_INFINITY)),
    setTimeout(SESSION_SECONDS * 1_000),
  ]);
}

/** Streams, and leaves after so many pieces. */
async function readUpTo(client: OpenAI, model: string, tokens: number, pieces: number): Promise<void> {
  const stream = await client.chat.completions.create(chatRequest(model, tokens));
  let count = 0;
  for await (const _ of stream) if (++count >= pieces) break;
}

/** The session had the clients that it must have had, and the scenario's own traffic and death of a pod. */
function checkSession(verdict: Verdict, requests: string, journal: string): void {
  const count = (text: string, part: string): number => text.split(part).length - 1;
  const had = {
    calls: count(journal, '"kind":"call"'),
    disconnects: count(journal, '"kind":"disconnect"'),
    refused: count(requests, '"outcome":"refused"'),
    traffic: verdict.requests.total - count(journal, '"kind":"call"'),
    cut: verdict.requests.cut,
  };
  const least = { calls: 100, disconnects: CLIENTS.aborted, refused: CLIENTS.refused, traffic: 10, cut: 1 };
  for (const [what, number] of Object.entries(least)) {
    const got = had[what as keyof typeof had];
    if (got < number) throw new Error(`the session had ${got} ${what}, expected at least ${number}`);
  }
}
