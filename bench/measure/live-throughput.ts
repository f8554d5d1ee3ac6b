import { setTimeout } from 'node:timers/promises';
import { whileServingEight } from '../support/eight-engines.ts';
import { figureText } from '../support/figure-text.ts';
import { median } from '../support/median.ts';
import { inOwnProcess } from '../support/own-process.ts';
import { type Asked, chatTarget, EventCounter, endsStream, rawConnection } from '../support/raw-client.ts';

/** Simulated seconds a second: an answer of so many tokens takes the engines some 3 ms. */
export const SPEED = 100;
export const TOKENS = 12;
/** Each asks as soon as it has its answer. */
const CONNECTIONS = 128;
const WARMUP_SECONDS = 3;
const SECONDS = 5;

/** What a right answer is known by, in {@link TOKENS} tokens. */
export interface RightAnswer {
  /** Events of a streamed one. */
  readonly events: number;
  /** What stands in a whole one. */
  readonly text: string;
}

/** Ours: the role, the tokens, and the end; and the usage. */
export const OUR_ANSWER: RightAnswer = { events: 1 + TOKENS + 1, text: `"completion_tokens":${TOKENS},` };

interface LoadTask {
  readonly asked: Asked;
  readonly answer: RightAnswer;
  readonly stream: boolean;
  readonly seconds: number;
  readonly warmupSeconds?: number;
}

/** Whole answers a second, of every second that is measured. */
export const replyRates = (seconds = SECONDS): Promise<number[]> => answerRates(false, seconds);

/** Streamed answers a second, each of 12 tokens in events of their own, of every second that is measured. */
export const streamRates = (seconds = SECONDS): Promise<number[]> => answerRates(true, seconds);

/** @throws when an answer was not what was asked for */
async function answerRates(stream: boolean, seconds: number): Promise<number[]> {
  const { result, verdict } = await whileServingEight(SPEED, async ({ services: [service] }) =>
    inOwnProcess(import.meta.url, loadClient, { asked: service!, answer: OUR_ANSWER, stream, seconds }),
  );
  const { completed, total } = verdict.requests;
  if (completed !== total) throw new Error(`${total - completed} of ${total} requests did not complete`);
  const what = stream ? 'streams' : 'replies';
  process.stderr.write(
    `${figureText(median(result.result))} ${what}/s over ${CONNECTIONS} connections; the client took ${figureText(result.cores)} cores\n`,
  );
  return result.result;
}

/** Answers in each second that is measured. Every connection asks until it is over, and waits for its answer. */
export async function loadClient(task: LoadTask): Promise<number[]> {
  const { asked, answer, stream, seconds, warmupSeconds = WARMUP_SECONDS } = task;
  const target = chatTarget(asked, { tokens: TOKENS, stream });
  let answers = 0;
  let over = false;
  const connection = async (): Promise<void> => {
    const isWhole = stream ? streamEnds(answer.events) : wholeEnds(answer.text);
    let done = (): void => {};
    const socket = await rawConnection(target.port, (bytes) => {
      if (!isWhole(bytes)) return;
      answers++;
      if (over) done();
      else socket.write(target.request);
    });
    socket.once('close', () => over || fail('a connection broke off'));
    socket.write(target.request);
    await new Promise<void>((resolve) => {
      done = resolve;
    });
    socket.destroy();
  };
  const all = Array.from({ length: CONNECTIONS }, connection);
  await setTimeout(warmupSeconds * 1_000);
  const rates: number[] = [];
  for (let second = 0; second < seconds; second++) {
    const [before, began] = [answers, performance.now()];
    await setTimeout(1_000);
    rates.push((answers - before) / ((performance.now() - began) / 1_000));
  }
  over = true;
  await Promise.all(all);
  return rates;
}

function streamEnds(expected: number): (bytes: Buffer) => boolean {
  const events = new EventCounter();
  let seen = 0;
  return (bytes) => {
    seen += events.count(bytes);
    if (!endsStream(bytes)) return false;
    if (seen !== expected) fail(`${seen} events, expected ${expected}`);
    seen = 0;
    return true;
  };
}

const HEAD_END = Buffer.from('\r\n\r\n');
const OK = Buffer.from('HTTP/1.1 200 OK\r\n');

/** A short answer comes in one read, or its head in one and its body in another. */
function wholeEnds(expected: string): (bytes: Buffer) => boolean {
  const text = Buffer.from(expected);
  let head = false;
  return (bytes) => {
    if (!head) {
      if (!bytes.subarray(0, OK.length).equals(OK)) fail(`answered with ${bytes.toString('latin1', 0, 200)}`);
      head = true;
      if (bytes.indexOf(HEAD_END) + HEAD_END.length === bytes.length) return false;
    }
    if (bytes.indexOf(text) < 0) fail(`an answer without ${expected}: ${bytes.toString('latin1')}`);
    head = false;
    return true;
  };
}

function fail(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
