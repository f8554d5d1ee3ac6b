import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ApplicationServer,
  type ApplicationServerSpec,
  type EndReason,
  EngineRoom,
  type Latency,
  Sequence,
} from '../../src/engine/index.ts';
import { Kernel, type Micros, NEVER } from '../../src/kernel/index.ts';

/** Something that happens to a server, at a microsecond. */
type Happening = { readonly at: number } & (
  | { readonly kind: 'arrive'; readonly pieces: number; readonly latency: number; readonly every: number }
  /** Of the arrivals so far, by index modulo their number. */
  | { readonly kind: 'leave'; readonly which: number }
  | { readonly kind: 'slow'; readonly factor: number }
  | { readonly kind: 'stall'; readonly stalled: boolean }
  | { readonly kind: 'die' }
);

interface Story {
  readonly spec: ApplicationServerSpec;
  readonly happenings: readonly Happening[];
}

/** What became of one request. */
interface Fate {
  startedAt: number | undefined;
  readonly pieces: number[];
  end: EndReason | 'turned-away' | undefined;
  endedAt: number | undefined;
}

/** Longer than any story takes: stalled to the end, some requests never end. */
const END = 5_000;

/** Powers of two, so that a naive sum of parts is exact. */
const FACTORS = [0.5, 1, 2, 4];

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('arrive' as const),
      at: fc.nat(400),
      pieces: fc.integer({ min: 1, max: 6 }),
      latency: fc.nat(60),
      every: fc.nat(12),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), at: fc.nat(500), which: fc.nat(30) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('slow' as const), at: fc.nat(500), factor: fc.constantFrom(...FACTORS) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('stall' as const), at: fc.nat(500), stalled: fc.boolean() }),
  },
);

const story: fc.Arbitrary<Story> = fc
  .record({
    concurrency: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    queue: fc.option(fc.nat(3), { nil: undefined }),
    happenings: fc.array(happening, { minLength: 1, maxLength: 30 }),
    death: fc.option(fc.nat(500), { nil: undefined }),
  })
  .map(({ concurrency, queue, happenings, death }) => ({
    spec: {
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(queue === undefined ? {} : { queue }),
    },
    happenings: [
      ...happenings,
      ...(death === undefined ? [] : [{ at: death, kind: 'die' } as const]),
      // Whatever is stalled goes on in the end.
      { at: 600, kind: 'stall', stalled: false } as const,
    ].sort((one, other) => one.at - other.at),
  }));

const fixed = (micros: number): Latency => ({ kind: 'fixed', micros: micros as Micros });
const fate = (): Fate => ({ startedAt: undefined, pieces: [], end: undefined, endedAt: undefined });

interface Run {
  readonly fates: readonly Fate[];
  /** Everything that the listener heard, in order. */
  readonly heard: readonly string[];
  readonly server: ApplicationServer;
}

/** @param look is called after everything that happens */
function run({ spec, happenings }: Story, watched: boolean, look: (server: ApplicationServer) => void = () => {}): Run {
  const kernel = new Kernel(1);
  const fates: Fate[] = [];
  const sequences: Sequence[] = [];
  const heard: string[] = [];
  const tell = (what: string, { request }: Sequence): void => {
    heard.push(`${kernel.now} ${what} ${request}`);
  };
  const server = new EngineRoom(kernel).startApplication(spec, {
    admitted: (sequence) => {
      tell('admitted', sequence);
      fates[sequence.request]!.startedAt = kernel.now;
    },
    firstToken: (sequence) => tell('first', sequence),
    preempted: () => {
      throw new Error('an application preempts nobody');
    },
    ended: (sequence, reason) => {
      tell(reason, sequence);
      const its = fates[sequence.request]!;
      expect(its.end).toBeUndefined();
      its.end = reason;
      its.endedAt = kernel.now;
      its.pieces.push(...(sequence.tokenTimes ?? []));
      if (sequence.tokenTimes !== undefined) expect(sequence.tokenTimes).toHaveLength(sequence.generated);
    },
  });
  for (const what of happenings) {
    kernel.runUntil(what.at as Micros);
    if (what.kind === 'arrive') {
      fates.push(fate());
      const task = { latency: fixed(what.latency), every: what.every as Micros };
      const ask = { request: sequences.length, promptTokens: 0, outputTokens: what.pieces, watched, task };
      const sequence = new Sequence(ask);
      sequences.push(sequence);
      if (!server.alive || server.full) fates.at(-1)!.end = 'turned-away';
      else server.submit(sequence);
    } else if (what.kind === 'leave') {
      const sequence = sequences[what.which % Math.max(1, sequences.length)];
      if (sequence !== undefined && fates[sequence.request]!.end === undefined) server.abort(sequence);
    } else if (what.kind === 'slow') server.slowDown(what.factor);
    else if (what.kind === 'stall') server.setStalled(what.stalled);
    else server.die();
    look(server);
  }
  kernel.runUntil(END as Micros);
  return { fates, heard, server };
}

/** The same, microsecond by microsecond: a clock of work, and whoever's moment it has reached. */
function naive({ spec: { concurrency = Infinity, queue = Infinity }, happenings }: Story): Fate[] {
  const fates: Fate[] = [];
  const asked: (Happening & { kind: 'arrive' })[] = [];
  let running: { readonly who: number; readonly firstAt: number }[] = [];
  let waiting: number[] = [];
  let [work, factor, stalled, alive] = [0, 1, false, true];
  const end = (who: number, reason: EndReason, now: number): void => {
    Object.assign(fates[who]!, { end: reason, endedAt: now });
    running = running.filter((each) => each.who !== who);
    waiting = waiting.filter((each) => each !== who);
  };
  const fill = (now: number): void => {
    while (alive && !stalled && waiting.length > 0 && running.length < concurrency) {
      const who = waiting.shift()!;
      fates[who]!.startedAt = now;
      running.push({ who, firstAt: work + Math.max(1, asked[who]!.latency) });
    }
  };
  let next = 0;
  for (let now = 0; now <= END; now++) {
    if (now > 0 && !stalled) work += 1 / factor;
    for (const { who, firstAt } of [...running]) {
      const { pieces, every } = asked[who]!;
      const sent = fates[who]!.pieces;
      while (sent.length < pieces && firstAt + sent.length * every <= work) sent.push(now);
      if (sent.length < pieces) continue;
      end(who, 'finished', now);
      fill(now);
    }
    for (; happenings[next]?.at === now; next++) {
      const what = happenings[next]!;
      if (what.kind === 'arrive') {
        const who = fates.push(fate()) - 1;
        asked.push(what);
        const full = !stalled && running.length >= concurrency && waiting.length >= queue;
        if (!alive || full) fates[who]!.end = 'turned-away';
        else waiting.push(who);
      } else if (what.kind === 'leave') {
        const who = what.which % Math.max(1, fates.length);
        if (fates[who] !== undefined && fates[who].end === undefined) end(who, 'aborted', now);
      } else if (what.kind === 'slow') factor = what.factor;
      else if (what.kind === 'stall') stalled = what.stalled;
      else if (alive) {
        alive = false;
        for (const who of [...running.map(({ who }) => who), ...waiting]) end(who, 'cut', now);
      }
      fill(now);
    }
  }
  return fates;
}

describe("an application's server", () => {
  test('is what a naive simulation of it is, to the microsecond', () => {
    fc.assert(
      fc.property(story, (told) => {
        expect(run(told, true).fates).toEqual(naive(told));
      }),
      { numRuns: 400 },
    );
  });

  test('does the same whether anyone watches or not', () => {
    fc.assert(
      fc.property(story, (told) => {
        const watched = run(told, true, (server) => void server.figures());
        expect(run(told, false).heard).toEqual(watched.heard);
      }),
    );
  });

  test('never works on more than it has places for, keeps no more waiting than it may, and holds nothing when dead', () => {
    fc.assert(
      fc.property(story, (told) => {
        const { concurrency = Infinity, queue = Infinity } = told.spec;
        const stalls = told.happenings.some((each) => each.kind === 'stall' && each.stalled);
        run(told, false, (server) => {
          const { running, waiting } = server.figures();
          expect(running).toBeLessThanOrEqual(concurrency);
          // A stalled process cannot turn away either.
          if (!stalls) expect(waiting).toBeLessThanOrEqual(queue);
          if (!server.alive) expect(running + waiting).toBe(0);
        });
      }),
    );
  });

  test('ends every request once, and completes none without all its pieces', () => {
    fc.assert(
      fc.property(story, (told) => {
        const asked = told.happenings.filter((each) => each.kind === 'arrive');
        for (const [who, { end, pieces }] of run(told, true).fates.entries()) {
          expect(end).toBeDefined();
          if (end === 'finished') expect(pieces).toHaveLength(asked[who]!.pieces);
        }
      }),
    );
  });

  test('counts the pieces that have left, those of requests in progress included', () => {
    fc.assert(
      fc.property(story, (told) => {
        const { fates, server } = run(told, true);
        expect(server.figures().generationTokens).toBe(fates.reduce((sum, { pieces }) => sum + pieces.length, 0));
      }),
    );
  });
});

describe('the time that a piece leaves at', () => {
  const kernel = new Kernel(7);
  const server = new EngineRoom(kernel).startApplication(
    {},
    { admitted: () => {}, firstToken: () => {}, preempted: () => {}, ended: () => {} },
  );
  const task = { latency: fixed(100), every: 50 as Micros };
  const sequence = new Sequence({ request: 0, promptTokens: 0, outputTokens: 4, watched: true, task });
  const times = (): number[] => [0, 1, 2, 3, 4].map((index) => server.tokenTime(sequence, index));

  test('is known from the start, moves when the pace changes, and is nobody knows when while nothing gets on', () => {
    server.submit(sequence);
    expect(times()).toEqual([100, 150, 200, 250, NEVER]);
    kernel.runUntil(120 as Micros);
    server.slowDown(2);
    expect(times()).toEqual([100, 180, 280, 380, NEVER]);
    server.setStalled(true);
    expect(times()).toEqual([100, NEVER, NEVER, NEVER, NEVER]);
    kernel.runUntil(1_000 as Micros);
    server.setStalled(false);
    expect(times()).toEqual([100, 1_060, 1_160, 1_260, NEVER]);
  });
});

describe('a latency that is drawn', () => {
  const latency: Latency = { kind: 'lognormal', median: 1_000 as Micros, sigma: 0.5, max: 4_000 as Micros };

  /** First pieces of so many requests, each at a server of its own out of `servers`. */
  function draws(requests: number, servers: number, seed = 3): number[] {
    const kernel = new Kernel(seed);
    const room = new EngineRoom(kernel);
    const silent = { admitted: () => {}, firstToken: () => {}, preempted: () => {}, ended: () => {} };
    const all = Array.from({ length: servers }, () => room.startApplication({}, silent));
    const task = { latency, every: 0 as Micros };
    return Array.from({ length: requests }, (_, request) => {
      const sequence = new Sequence({ request, promptTokens: 0, outputTokens: 1, watched: true, task });
      const server = all[request % servers]!;
      server.submit(sequence);
      return server.tokenTime(sequence, 0);
    });
  }

  test("is the request's own, however many servers there are", () => {
    expect(draws(200, 1)).toEqual(draws(200, 7));
    expect(draws(200, 1)).not.toEqual(draws(200, 1, 4));
  });

  test('has the median and the spread that it says, and its bound', () => {
    const sorted = draws(20_000, 1).sort((one, other) => one - other);
    const at = (share: number): number => sorted[Math.floor(share * sorted.length)]!;
    expect(at(0.5) / 1_000).toBeCloseTo(1, 1);
    // One standard deviation of the logarithm above the median.
    expect(at(0.8413) / 1_000).toBeCloseTo(Math.exp(0.5), 1);
    expect(sorted.at(-1)).toBe(4_000);
  });
});
