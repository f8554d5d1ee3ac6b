import { resolve } from 'node:path';
import { type Addresses, Live, LiveServer, needsTls, type ServerOptions, selfSigned, warmUp } from '../api/index.ts';
import {
  JournalFile,
  journalHeader,
  type LoadedScenario,
  loadScenarioFile,
  MachineHash,
  openRequests,
  writeRequests,
  writeText,
} from '../files/index.ts';
import { type JournalEnd, type JournalHeader, type Micros, type Stamped, UserError } from '../kernel/index.ts';
import { type Command, type LabDescription, World } from '../lab/index.ts';
import { judge, type LiveFigures } from '../scenario/index.ts';
import { ExitCode } from './exit.ts';
import { eventLogger, type LogLevel } from './log.ts';
import type { OutputOptions, ScenarioOptions } from './options.ts';
import { quote } from './reproduce.ts';
import { printAddresses } from './serve-text.ts';
import { printVerdict } from './verdict-text.ts';

export interface ServeOptions extends ScenarioOptions, OutputOptions {
  readonly host: string;
  readonly port: number;
  readonly podPort?: number;
  readonly tlsPort?: number;
  /** A file for the certificate of the TLS port. */
  readonly certificate?: string;
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
  checkOutputs(file, options);
  const epoch = epochOf(loaded.description, options);
  return serveLoaded({ ...loaded, description: { ...loaded.description, epoch } }, options);
}

/**
 * The calendar instant of time zero, such that it is now when the session begins: a world that is thrown away tells how
 * long the services take to come up. Periodic scaling rules therefore see the minutes before now while they do, and what
 * was due then is done as if it had been deployed that long ago; nothing strikes early because the calendar is ahead. A
 * rule that strikes meanwhile in one of the two worlds alone moves the calendar by what it costs.
 */
function epochOf(description: LabDescription, { cold, traffic }: ServeOptions): number {
  if (cold === true) return Date.now();
  const rehearsal = new World({ ...description, epoch: Date.now() }, { noTraffic: !traffic });
  rehearsal.runUntilSettled();
  return Date.now() - Math.round(rehearsal.now / 1_000);
}

async function serveLoaded(loaded: LoadedScenario, options: ServeOptions): Promise<ExitCode> {
  const tokens = options.tokens === true ? new Map<number, readonly Micros[]>() : undefined;
  const world = new World(loaded.description, {
    traceHash: new MachineHash(),
    noTraffic: !options.traffic,
    eventSink: eventLogger(options.log),
    ...(tokens === undefined ? {} : { tokenSink: (request, times) => tokens.set(request, times) }),
  });
  if (options.cold !== true) world.runUntilSettled();
  warmUp(loaded.description);
  const began = performance.now();
  const ending = new Ending();
  const journal = new LateJournal();
  const live = new Live(
    world,
    options.speed,
    (entry) => {
      if (options.journal !== undefined) journal.write(entry);
    },
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
    ...tlsOf(loaded, options),
  });
  const onSignal = (): void => {
    live.session.command({ kind: ending.draining ? 'stop' : 'drain' });
    if (ending.draining) ending.stop();
    else if (options.json !== true) process.stderr.write('\ndraining; once more to stop at once\n');
    ending.draining = true;
    live.wake();
  };
  // What fails in a socket's or the clock's callback ends the session like any other failure: with its message.
  const onFault = (error: Error): void => ending.failed(error);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('uncaughtException', onFault);
  try {
    await server.open();
    if (options.journal !== undefined) journal.open(options.journal, journalHeader(loaded, !options.traffic));
    live.wake();
    announce(server.addresses(), options);
    await ending.wait();
    live.outbox.flush(world.now);
  } finally {
    live.stop();
    const deadline = performance.now() + FLUSH_LIMIT_MS;
    await server.close(() => ending.stopped || performance.now() > deadline);
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('uncaughtException', onFault);
  }
  world.check();
  const verdict = judge(world, loaded.expectations, {
    wallSeconds: (performance.now() - began) / 1_000,
    live: liveFigures(live, options.lagBudget),
    reproduce: options.journal === undefined ? null : `inferlab replay ${quote(options.journal)}`,
  });
  printVerdict(verdict, options);
  journal.close({ end: world.now, traceHash: verdict.traceHash });
  if (options.requests !== undefined) writeRequests(options.requests, world, tokens);
  return verdict.verdict === 'pass' ? ExitCode.pass : ExitCode.fail;
}

/** The TLS port's own, where a service is called over TLS; the key stays in this process. @throws UserError */
function tlsOf({ description }: LoadedScenario, options: ServeOptions): Pick<ServerOptions, 'tls'> {
  const { host, tlsPort: port = 0, certificate: file } = options;
  if (!needsTls(description.services)) {
    const option = file === undefined ? '--tls-port' : '--certificate';
    if (file === undefined && options.tlsPort === undefined) return {};
    throw new UserError(`${option}: no service of the scenario is called over TLS (its "protocol" is HTTPS or WSS)`);
  }
  const certificate = selfSigned(host);
  if (file === undefined) return { tls: { port, certificate } };
  writeText(file, certificate.cert);
  return { tls: { port, certificate, file: resolve(file) } };
}

/** Finds out before the session what would fail after it. */
function checkOutputs(file: string, { journal, requests, certificate }: ServeOptions): void {
  for (const output of [journal, requests, certificate]) {
    if (output !== undefined && resolve(output) === resolve(file)) {
      throw new UserError(`"${output}" is the scenario; expected another file to write to`);
    }
  }
  if (journal !== undefined && requests !== undefined && resolve(journal) === resolve(requests)) {
    throw new UserError(`"${journal}" cannot take both the journal and the requests`);
  }
  if (requests !== undefined) openRequests(requests);
}

/** A journal whose file is opened once the ports are: a start that fails leaves an older journal alone. */
class LateJournal {
  #file: JournalFile | undefined;
  #early: Stamped<Command>[] = [];
  #failed = false;

  open(path: string, header: JournalHeader): void {
    this.#file = new JournalFile(path, header);
    for (const entry of this.#early) this.#file.write(entry);
    this.#early = [];
  }

  /** @throws UserError once, when the file takes no more; what comes after that is lost, and the session is ending */
  write(entry: Stamped<Command>): void {
    if (this.#failed) return;
    if (this.#file === undefined) {
      this.#early.push(entry);
      return;
    }
    try {
      this.#file.write(entry);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  close(end: JournalEnd): void {
    this.#file?.close(end);
  }
}

function announce(addresses: Addresses, options: ServeOptions): void {
  if (options.json === true) process.stdout.write(`${JSON.stringify(addresses)}\n`);
  else printAddresses(addresses);
}

function liveFigures(live: Live, lagBudgetMs: number): LiveFigures {
  const lagMs = live.lag();
  return { speed: live.speed, lagMs, lagBudgetMs, trusted: (lagMs.p99 ?? 0) * live.speed <= lagBudgetMs };
}

/** When a live session ends: drained, over, stopped, or failed. */
class Ending {
  draining = false;
  stopped = false;
  readonly #promise: Promise<void>;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor() {
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  reached(): void {
    this.#resolve();
  }

  stop(): void {
    this.stopped = true;
    this.#resolve();
  }

  failed(error: Error): void {
    this.stopped = true;
    this.#reject(error);
  }

  wait(): Promise<void> {
    return this.#promise;
  }
}
