import type { EventKind, EventToken, Micros } from '../../src/kernel/index.ts';
import { built } from '../support/built.ts';

const PENDING = 10_000;
const EVENTS = 1_000_000;
/** One event in so many sets a timeout, in place of its last one, which it cancels. */
const CANCEL_EVERY = 8;
/** Events come up to this long after the one that scheduled them, and timeouts always this long. */
const SPREAD_MICROS = 1 << 20;
const RECORDS = 500_000;
const SEED = 1;

/** Self-rescheduling events: each run schedules the next, and some schedule and cancel another. */
export async function kernelEvents(): Promise<() => number> {
  const { Kernel, NO_EVENT, Priority } = await built('kernel');
  return () => {
    const kernel = new Kernel(SEED);
    const timeouts = new Array<EventToken>(PENDING).fill(NO_EVENT);
    let state = SEED;
    // A plain congruential generator (Numerical Recipes): the gaps must cost nothing.
    const gap = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) % SPREAD_MICROS;
    const timeout = kernel.kind('bench/timeout', Priority.control, () => {});
    const tick: EventKind = kernel.kind('bench/tick', Priority.progress, (subject) => {
      kernel.schedule(tick, (kernel.now + gap()) as Micros, subject);
      if (subject % CANCEL_EVERY !== 0) return;
      kernel.cancel(timeouts[subject]!);
      timeouts[subject] = kernel.schedule(timeout, (kernel.now + SPREAD_MICROS) as Micros, subject);
    });
    for (let subject = 0; subject < PENDING; subject++) kernel.schedule(tick, gap() as Micros, subject);
    while (kernel.events < EVENTS) kernel.step();
    return kernel.events;
  };
}

/** Records into the canonical trace, and its hash at the end. */
export async function traceRecords(): Promise<() => number> {
  const { Trace } = await built('kernel');
  const word = { code: 1, name: 'bench' };
  return () => {
    const trace = new Trace();
    for (let record = 0; record < RECORDS; record++) trace.note((record * 10) as Micros, word, record, 1, 2, 3);
    trace.digest();
    return trace.records;
  };
}
