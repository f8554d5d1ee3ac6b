import { setTimeout } from 'node:timers/promises';
import { percentile } from '../../src/telemetry/index.ts';
import { STEP_MS, whileServingEight } from '../support/eight-engines.ts';
import { figureText } from '../support/figure-text.ts';
import { inOwnProcess } from '../support/own-process.ts';
import { chatTarget, EventCounter, endsStream, rawConnection, type Target } from '../support/raw-client.ts';

/** Streams begin over so long, each at a moment of its own, and last so many tokens. */
const RAMP_MS = 2_000;
const TOKENS = 400;
/** Compiles both processes' code. */
const WARMUP_TOKENS = 100;
/** The event before the first token: the role of the answer. */
const OPENING_EVENTS = 1;

interface PacingTask {
  readonly streams: number;
  readonly warmup: Target;
  readonly target: Target;
}

/** How far the times between tokens were from the simulation's, milliseconds without sign, all streams together. */
interface Pacing {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** p99 of |ITL - 20 ms| as a client in a process of its own sees it. @throws unless every stream had all its tokens */
export async function pacingP99Ms(streams: number): Promise<number> {
  const { result, verdict } = await whileServingEight(1, ({ services: [service] }) => {
    const target = chatTarget(service!, { tokens: TOKENS, stream: true });
    const warmup = chatTarget(service!, { tokens: WARMUP_TOKENS, stream: true });
    return inOwnProcess(import.meta.url, pacingClient, { streams, target, warmup });
  });
  const { p50, p99, max } = result.result;
  const lag = verdict.live!.lagMs;
  const told = (...figures: (number | null)[]) => figures.map((each) => figureText(each ?? 0)).join(' / ');
  process.stderr.write(
    `${streams} streams: |ITL - ${STEP_MS} ms| p50 / p99 / max ${told(p50, p99, max)} ms; ` +
      `inferlab_emit_lag_ms p50 / p99 / max ${told(lag.p50, lag.p99, lag.max)}; the client took ${figureText(result.cores)} cores\n`,
  );
  return p99;
}

export async function pacingClient({ streams, warmup, target }: PacingTask): Promise<Pacing> {
  await round(streams, warmup, WARMUP_TOKENS);
  const deviations = Float64Array.from(await round(streams, target, TOKENS)).sort();
  return { p50: percentile(deviations, 50), p99: percentile(deviations, 99), max: deviations.at(-1)! };
}

async function round(streams: number, target: Target, tokens: number): Promise<number[]> {
  const all = Array.from({ length: streams }, async (_, index) => {
    await setTimeout((index * RAMP_MS) / streams);
    return deviationsOf(target, tokens);
  });
  return (await Promise.all(all)).flat();
}

/** Those of one stream, on a connection of its own. */
async function deviationsOf({ port, request }: Target, tokens: number): Promise<number[]> {
  const deviations: number[] = [];
  const events = new EventCounter();
  const most = OPENING_EVENTS + tokens;
  let seen = 0;
  let last = 0;
  let done = (): void => {};
  const socket = await rawConnection(port, (bytes) => {
    const now = performance.now();
    const before = seen;
    seen += events.count(bytes);
    // Tokens that come in one read are as far apart as they came: not at all.
    for (let event = Math.max(before, OPENING_EVENTS); event < Math.min(seen, most); event++) {
      if (event > OPENING_EVENTS) deviations.push(Math.abs(now - last - STEP_MS));
      last = now;
    }
    if (endsStream(bytes)) done();
  });
  const end = new Promise<void>((resolve, reject) => {
    done = resolve;
    socket.once('close', () => reject(new Error(`a stream broke off after ${seen} events`)));
  });
  socket.write(request);
  await end;
  socket.destroy();
  if (deviations.length !== tokens - 1) throw new Error(`${deviations.length + 1} tokens, expected ${tokens}`);
  return deviations;
}
