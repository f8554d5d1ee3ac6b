import { type Addresses, Live, LiveServer, warmUp } from '../api/index.ts';
import { JournalFile, journalHeader, type LoadedScenario, loadScenarioFile, writeRequests } from '../files/index.ts';
import type { Micros } from '../kernel/index.ts';
import { World } from '../lab/index.ts';
import { judge, type LiveFigures, type Verdict } from '../scenario/index.ts';
import { ExitCode } from './exit.ts';
import { eventLogger, type LogLevel } from './log.ts';
import type { OutputOptions, ScenarioOptions } from './options.ts';
import { quote, reproduceRun } from './reproduce.ts';
import { printAddresses } from './serve-text.ts';
import { printVerdict } from './verdict-text.ts';

export interface ServeOptions extends ScenarioOptions, OutputOptions {
  readonly host: string;
  readonly port: number;
  readonly podPort?: number;
  readonly speed: number;
  readonly lagBudget: number;
  readonly cold?: boolean;
  /** Commander's form of `--no-traffic`. */
  readonly traffic: boolean;
  readonly untilEnd?: boolean;
  readonly journal?: string;
  readonly log: LogLevel;
}

/** How long readers get to take what was answered when the session ends. */
const FLUSH_LIMIT_MS = 5_000;

/** `inferlab serve FILE`: a scenario in live time, with real endpoints, to its verdict. */
export async function serve(file: string, options: ServeOptions): Promise<ExitCode> {
  const loaded = loadScenarioFile(file, { seed: options.seed, settings: options.set });
  return serveLoaded({ ...loaded, description: { ...loaded.description, epoch: Date.now() } }, file, options);
}

async function serveLoaded(loaded: LoadedScenario, file: string, options: ServeOptions): Promise<ExitCode> {
  const tokens = options.tokens === true ? new Map<number, readonly Micros[]>() : undefined;
  const world = new World(loaded.description, {
    noTraffic: !options.traffic,
    eventSink: eventLogger(options.log),
    ...(tokens === undefined ? {} : { tokenSink: (request, times) => tokens.set(request, times) }),
  });
  if (options.cold !== true) world.runUntilSettled();
  warmUp(loaded.description);
  const journal =
    options.journal === undefined
      ? undefined
      : new JournalFile(options.journal, journalHeader(loaded, !options.traffic));
  const began = performance.now();
  const ending = new Ending();
  const live = new Live(
    world,
    options.speed,
    (entry) => journal?.write(entry),
    () => {
      server.followPods();
      if (options.untilEnd === true && world.over && live.outbox.size === 0) ending.reached();
      if (ending.draining && world.requests.inFlight === 0 && live.outbox.size === 0) ending.reached();
    },
  );
  const server = new LiveServer(live, {
    host: options.host,
    port: options.port,
    ...(options.podPort === undefined ? {} : { podPort: options.podPort }),
  });
  const onSignal = (): void => {
    if (ending.draining) {
      ending.stopped = true;
      live.session.command({ kind: 'stop' });
      ending.reached();
    } else {
      ending.draining = true;
      live.session.command({ kind: 'drain' });
      if (options.json !== true) process.stderr.write('\ndraining; once more to stop at once\n');
    }
    live.wake();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    await server.open();
    live.wake();
    announce(server.addresses(), options);
    await ending.wait();
    live.outbox.flush(world.now);
  } finally {
    live.stop();
    await server.close(ending.stopped ? 0 : FLUSH_LIMIT_MS);
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
  const verdict = judge(world, loaded.expectations, {
    wallSeconds: (performance.now() - began) / 1_000,
    live: liveFigures(live, options.lagBudget),
    reproduce: options.journal === undefined ? reproduceRun(file, loaded) : `inferlab replay ${quote(options.journal)}`,
  });
  journal?.close({ end: world.now, traceHash: verdict.traceHash });
  return finish(verdict, world, tokens, options);
}

function announce(addresses: Addresses, options: ServeOptions): void {
  if (options.json === true) process.stdout.write(`${JSON.stringify(addresses)}\n`);
  else printAddresses(addresses);
}

function finish(
  verdict: Verdict,
  world: World,
  tokens: Map<number, readonly Micros[]> | undefined,
  options: ServeOptions,
): ExitCode {
  if (options.requests !== undefined) writeRequests(options.requests, world, tokens);
  printVerdict(verdict, options);
  return verdict.verdict === 'pass' ? ExitCode.pass : ExitCode.fail;
}

function liveFigures(live: Live, lagBudgetMs: number): LiveFigures {
  const lagMs = live.lag();
  return { speed: live.speed, lagMs, lagBudgetMs, trusted: (lagMs.p99 ?? 0) * live.speed <= lagBudgetMs };
}

/** When a live session ends: drained, over, or stopped. */
class Ending {
  draining = false;
  stopped = false;
  readonly #promise: Promise<void>;
  #resolve: () => void = () => {};

  constructor() {
    this.#promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  reached(): void {
    this.#resolve();
  }

  wait(): Promise<void> {
    return this.#promise;
  }
}
