import FakeTimers from '@sinonjs/fake-timers';
import { fromSeconds, type Micros, NEVER, type Uniform } from '../kernel/index.ts';

/** The real ones, whatever is installed later. */
const realSetImmediate = setImmediate;
const realNow = performance.now.bind(performance);

/** Turns of the event loop without any activity after which a client is taken to be waiting for time to pass. */
const QUIET_TURNS = 2;
/** How long work outside the lab (a file, an import) may take before it is an error, wall milliseconds. */
const OUTSIDE_LIMIT_MS = 5_000;
/** How long to wait for a sign of life when nothing is left to happen in the lab, wall milliseconds. */
const STUCK_LIMIT_MS = 1_000;
/** Simulated time without anything from a client after which one that still waits is taken to wait for ever. */
const IDLE_LIMIT = fromSeconds(24 * 3_600);
/** What the process waits for when code has gone outside the lab. */
const OUTSIDE = new Set([
  'FSReqCallback',
  'FSReqPromise',
  'GetAddrInfoReqWrap',
  'TCPConnectWrap',
  'TCPSocketWrap',
  'ProcessWrap',
  'ZLIB',
]);

/** What time moves, in a lab. */
export interface TimeDriver {
  readonly epoch: number;
  readonly now: Micros;
  /** The next moment at which something happens or is delivered; NEVER if nothing will. */
  nextDue(): Micros;
  /** Moves to `at`, and delivers what is due. */
  advance(at: Micros): void;
  /** Counts what clients do; a change means that they are not waiting. */
  readonly activity: number;
  /** Chance for client code: `Math.random` within the lab. */
  readonly random: Uniform;
}

/**
 * Runs `body` in lab time. Timers, `Date`, `performance.now` and `Math.random` are the lab's, so a client's back-off
 * and its own measurements are simulated. Time moves to the next event or timer only once the event loop has made
 * full turns with nothing to do.
 * @throws when `body` waits for something that only the outside could bring
 */
export async function runInLabTime<Result>(driver: TimeDriver, body: () => Promise<Result> | Result): Promise<Result> {
  if (running) {
    throw new Error('lab.run is running already in this process: clocks are global, so labs take turns');
  }
  running = true;
  const clock = FakeTimers.install({
    now: driver.epoch,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
    // A timer that was set before the lab began (a socket pool's, say) may be cleared within.
    shouldClearNativeTimers: true,
  });
  // The library counts whole milliseconds: a timer set within one would come early by what has passed of it.
  const { setTimeout: set } = clock;
  clock.setTimeout = ((run, delay = 0, ...rest) =>
    set(run, delay > 0 && driver.now % 1_000 > 0 ? Math.ceil(delay) + 1 : delay, ...rest)) as typeof set;
  const realRandom = Math.random;
  Math.random = driver.random;
  const realTimeout = AbortSignal.timeout;
  AbortSignal.timeout = simulatedTimeout;
  const sync = (): void => {
    const behind = driver.now * 1_000 - Math.round(globalThis.performance.now() * 1e6);
    // The half nanosecond keeps the clock's own rounding down exact; a tick of 0 runs what is due already.
    clock.tick(behind > 0 ? (behind + 0.5) / 1e6 : 0);
  };
  const outside = outsideWork();
  try {
    sync();
    let settled = false;
    const result = Promise.resolve()
      .then(body)
      .finally(() => {
        settled = true;
      });
    result.catch(() => {
      // Awaited below.
    });
    let busyAt = driver.now;
    let activity = driver.activity;
    while (!settled) {
      await quiet(driver, () => settled);
      if (settled) break;
      if (driver.activity !== activity) {
        activity = driver.activity;
        busyAt = driver.now;
      }
      if (driver.now - busyAt > IDLE_LIMIT) {
        throw new Error(
          'lab.run: a day of simulated time has passed without a request or an answer, and the code still waits',
        );
      }
      await outside(() => settled);
      const due = Math.max(driver.now, Math.min(driver.nextDue(), nextTimer(clock, driver.epoch)));
      if (due === NEVER) await signOfLife(driver, () => settled);
      else {
        driver.advance(due as Micros);
        sync();
      }
    }
    return await result;
  } finally {
    running = false;
    Math.random = realRandom;
    AbortSignal.timeout = realTimeout;
    // What uninstalls is told by a mark on the library's own function.
    clock.setTimeout = set;
    clock.uninstall();
  }
}

/** Clocks are the process's: one lab at a time has them. */
let running = false;

/** `AbortSignal.timeout` by the lab's timers; the real one counts wall time. */
function simulatedTimeout(milliseconds: number): AbortSignal {
  const controller = new AbortController();
  const expire = (): void => {
    controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  };
  setTimeout(expire, milliseconds);
  return controller.signal;
}

/** Waits until the event loop has turned without activity. */
async function quiet(driver: TimeDriver, settled: () => boolean): Promise<void> {
  let seen = driver.activity;
  for (let turns = 0; turns < QUIET_TURNS && !settled(); turns++) {
    await turn();
    if (driver.activity !== seen) {
      seen = driver.activity;
      turns = -1;
    }
  }
}

/** Holds time still while the process waits for something outside that it did not wait for when the lab began. */
function outsideWork(): (settled: () => boolean) => Promise<void> {
  const counts = (): Map<string, number> => {
    const found = new Map<string, number>();
    for (const kind of process.getActiveResourcesInfo()) {
      if (OUTSIDE.has(kind)) found.set(kind, (found.get(kind) ?? 0) + 1);
    }
    return found;
  };
  const before = counts();
  return async (settled) => {
    const since = realNow();
    for (;;) {
      const more = [...counts()].find(([kind, count]) => count > (before.get(kind) ?? 0));
      if (more === undefined || settled()) return;
      if (realNow() - since > OUTSIDE_LIMIT_MS) {
        throw new Error(
          `lab.run: the code waits for something outside the lab (${more[0]}) for more than ${OUTSIDE_LIMIT_MS / 1_000} s; in lab time only the lab's own fetch and timers can be awaited`,
        );
      }
      await turn();
    }
  };
}

async function signOfLife(driver: TimeDriver, settled: () => boolean): Promise<void> {
  const seen = driver.activity;
  const since = realNow();
  while (!settled() && driver.activity === seen && realNow() - since < STUCK_LIMIT_MS) await turn();
  if (settled() || driver.activity !== seen) return;
  throw new Error(
    "lab.run: nothing is left to happen in the lab, and the code still waits; in lab time only the lab's own fetch and timers can be awaited",
  );
}

function turn(): Promise<void> {
  return new Promise((resolve) => realSetImmediate(resolve));
}

/** When the earliest timer is due. The library keeps its timers in a map that its types leave out. */
function nextTimer(clock: object, epoch: number): Micros {
  const { timers } = clock as unknown as { timers?: Map<number, { callAt: number }> };
  let next = Number.POSITIVE_INFINITY;
  for (const { callAt } of timers?.values() ?? []) if (callAt < next) next = callAt;
  return ((next - epoch) * 1_000) as Micros;
}
