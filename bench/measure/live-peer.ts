import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../support/built.ts';
import { ended } from '../support/cli.ts';
import { whileServingEight } from '../support/eight-engines.ts';
import { figureText } from '../support/figure-text.ts';
import { median } from '../support/median.ts';
import { inOwnProcess } from '../support/own-process.ts';
import type { Asked } from '../support/raw-client.ts';
import { loadClient, OUR_ANSWER, type RightAnswer, SPEED, TOKENS } from './live-throughput.ts';

/** aimock answers from a table, without an engine: the quickest that a fake of this interface is. */
const PEER = join(ROOT, 'conformance/node_modules/@copilotkit/aimock/dist/index.js');
/** Its chunks are cut by characters: as many as we have tokens. Its streams have an event more, with the reason. */
const PEER_ANSWER: RightAnswer = { events: 1 + TOKENS + 1 + 1, text: '"finish_reason":"stop"' };
const CHUNK = 5;
const SERVER = `
  import { LLMock } from ${JSON.stringify(pathToFileURL(PEER).href)};
  const mock = new LLMock({ port: 0, chunkSize: ${CHUNK}, latency: 0, logLevel: 'silent' });
  mock.onMessage(/./, { content: ${JSON.stringify('word '.repeat(TOKENS).trim())} });
  await mock.start();
  console.log(mock.url);`;

/** Both are asked in turn so often, for so long after so long a warm-up: the machine is the same for both. */
const ROUNDS = 9;
const SECONDS = 2;
const WARMUP_SECONDS = { first: 3, again: 0.5 };

interface Duel {
  readonly ours: Asked;
  readonly peer: Asked;
  readonly stream: boolean;
}

/** Answers a second over aimock's, both running side by side; the median of several rounds. */
export async function ratioToPeer(stream: boolean): Promise<number> {
  const { result } = await whileServingEight(SPEED, ({ services: [service] }) =>
    whilePeerServes((peer) => inOwnProcess(import.meta.url, duelClient, { ours: service!, peer, stream })),
  );
  const { ours, peer } = result.result;
  const [middle, least, most] = [median(ours), Math.min(...ours), Math.max(...ours)].map(figureText);
  process.stderr.write(`${middle}/s (${least} to ${most}), aimock ${figureText(median(peer))}/s\n`);
  return median(ours.map((rate, round) => rate / peer[round]!));
}

/** Answers a second of both, in each round. */
export async function duelClient({ ours, peer, stream }: Duel): Promise<{ ours: number[]; peer: number[] }> {
  const rates: { ours: number[]; peer: number[] } = { ours: [], peer: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const how = { stream, seconds: SECONDS, warmupSeconds: WARMUP_SECONDS[round === 0 ? 'first' : 'again'] };
    rates.peer.push(median(await loadClient({ ...how, asked: peer, answer: PEER_ANSWER })));
    rates.ours.push(median(await loadClient({ ...how, asked: ours, answer: OUR_ANSWER })));
  }
  return rates;
}

/** @throws when it is not installed */
async function whilePeerServes<Result>(body: (peer: Asked) => Promise<Result>): Promise<Result> {
  if (!existsSync(PEER)) throw new Error('aimock is not installed; `npm ci --prefix conformance` does that');
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SERVER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = ended(child);
  try {
    const { value: url } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    if (url === undefined) throw new Error(`aimock exited with ${await end}`);
    return await body({ url, apiKey: null, model: 'any' });
  } finally {
    child.kill();
  }
}
