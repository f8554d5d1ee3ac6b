import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KvLinkRoom, type KvLinkSpec } from '../../src/engine/index.ts';
import { Kernel, micros } from '../../src/kernel/index.ts';
import { fluid, runLink } from '../support/kv-link-run.ts';

const BYTES = 1_000_000;
/** A byte takes 1 ns: a megabyte takes a millisecond. */
const link = (overrides: Partial<KvLinkSpec> = {}): KvLinkSpec => ({
  setupMicros: 400,
  bytesPerSecond: 1e9,
  uploads: 'parallel',
  ...overrides,
});
const ALONE = 1_400;

const at = (count: number, moment = 0) => Array.from({ length: count }, () => ({ at: moment, bytes: BYTES }));
const ends = (story: Parameters<typeof runLink>[0]) => runLink(story).told.map((told) => told.map(({ at }) => at));

describe('a KV link', () => {
  test('takes set-up and bytes / bandwidth for one transfer', () => {
    expect(ends({ spec: link(), sends: at(1, 5) })).toEqual([[5 + ALONE]]);
    expect(ends({ spec: link(), sends: [{ at: 0, bytes: 0 }] })).toEqual([[400]]);
  });

  test('lets eight at once share: each takes the set-up once and eight times the time of its bytes', () => {
    for (const [end] of ends({ spec: link(), sends: at(8) })) expect(Math.abs(end! - 8_400)).toBeLessThanOrEqual(1);
  });

  test('serial, carries one after the other, each with its own set-up', () => {
    const expected = Array.from({ length: 8 }, (_, index) => [(index + 1) * ALONE]);
    expect(ends({ spec: link({ uploads: 'serial' }), sends: at(8) })).toEqual(expected);
  });

  test('slowed down, takes longer for the bytes that are left, and not for the set-up', () => {
    expect(ends({ spec: link(), sends: at(1), slows: [{ at: 0, factor: 3 }] })).toEqual([[3_400]]);
    expect(ends({ spec: link(), sends: at(1), slows: [{ at: 900, factor: 3 }] })).toEqual([[900 + 1_500]]);
    const recovers = [
      { at: 900, factor: 3 },
      { at: 1_200, factor: 1 },
    ];
    expect(ends({ spec: link(), sends: at(1), slows: recovers })).toEqual([[1_200 + 400]]);
  });

  test.each(['parallel', 'serial'] as const)('%s, fails all that is on it when it breaks, each once', (uploads) => {
    const sends = [...at(2), ...at(2, 300)];
    const { told, open } = runLink({ spec: link({ uploads }), sends, breaks: [{ at: 600, broken: true }] });
    expect(told).toEqual(Array.from({ length: 4 }, () => [{ at: 600, arrived: false }]));
    expect(open).toBe(0);
  });

  test('broken, fails what is sent after its set-up; mended, carries it', () => {
    const breaks = [
      { at: 0, broken: true },
      { at: 1_000, broken: false },
    ];
    const sends = [
      { at: 100, bytes: BYTES },
      { at: 800, bytes: BYTES },
    ];
    expect(runLink({ spec: link(), sends, breaks }).told).toEqual([
      [{ at: 500, arrived: false }],
      [{ at: 800 + ALONE, arrived: true }],
    ]);
  });
});

const spec = fc.record({
  setupMicros: fc.nat(500),
  bytesPerSecond: fc.integer({ min: 1e7, max: 1e10 }),
  uploads: fc.constantFrom('parallel' as const, 'serial' as const),
});
const sends = fc.array(fc.record({ at: fc.nat(5_000), bytes: fc.nat(3_000_000) }), { minLength: 1, maxLength: 12 });
const slows = fc
  .array(fc.record({ at: fc.nat(8_000), factor: fc.integer({ min: 1, max: 5 }) }), { maxLength: 3 })
  .map((all) => all.toSorted((a, b) => a.at - b.at));
const breaks = fc.array(fc.record({ at: fc.nat(8_000), broken: fc.boolean() }), { maxLength: 4 });

describe('a KV link, whatever reaches it', () => {
  test('tells each transfer once, after its set-up if its bytes have come, and keeps none', () => {
    fc.assert(
      fc.property(fc.record({ spec, sends, slows, breaks }), (story) => {
        const { told, open } = runLink(story);
        expect(open).toBe(0);
        for (const [index, each] of told.entries()) {
          expect(each.length).toBe(1);
          const [{ at, arrived }] = each as [(typeof each)[number]];
          const { at: sentAt, bytes } = story.sends[index]!;
          const least = story.spec.setupMicros + (bytes / story.spec.bytesPerSecond) * 1e6;
          if (arrived) expect(at - sentAt).toBeGreaterThanOrEqual(least - 1);
          else expect(story.breaks.some(({ broken }) => broken)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('shares as a fluid would: each ends when its share of the bandwidth has carried it', () => {
    fc.assert(
      fc.property(fc.record({ spec, sends, slows }), (told) => {
        const story = { ...told, spec: { ...told.spec, uploads: 'parallel' as const } };
        const expected = fluid(story);
        // A whole µs for each event that may have rounded before.
        for (const [index, [end]] of ends(story).entries()) {
          // A microsecond of bytes at full speed is several when the link is slow.
          const slowest = Math.max(1, ...(story.slows ?? []).map(({ factor }) => factor));
          expect(Math.abs(end! - expected[index]!)).toBeLessThanOrEqual((1 + 2 * story.sends.length) * slowest);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('loses no time: parallel or serial, it is done when the bytes of every busy spell have been carried', () => {
    fc.assert(
      fc.property(spec, sends, (any, all) => {
        const carry = ({ bytes }: { bytes: number }) => (bytes / any.bytesPerSecond) * 1e6;
        // Serial, set-ups are part of the work; parallel, they delay it.
        const serial = any.uploads === 'serial';
        let done = 0;
        for (const send of all.toSorted((a, b) => a.at - b.at)) {
          const begins = serial ? send.at : send.at + any.setupMicros;
          done = Math.max(done, begins) + carry(send) + (serial ? any.setupMicros : 0);
        }
        const last = Math.max(...ends({ spec: any, sends: all }).flat());
        expect(Math.abs(last - done)).toBeLessThanOrEqual(2 * all.length);
      }),
      { numRuns: 300 },
    );
  });

  test.each(['parallel', 'serial'] as const)(
    '%s, is free for the others of what is withdrawn, which is told nothing',
    (uploads) => {
      // Of three sent at once the first is withdrawn while it moves, and then the last while it waits or shares.
      const kernel = new Kernel(1);
      const made = new KvLinkRoom(kernel).open(link({ uploads }));
      const told: number[][] = [[], [], []];
      const withdraws = told.map((mine) => made.send(BYTES, () => mine.push(kernel.now)));
      kernel.runUntil(micros(1_000));
      withdraws[0]!();
      withdraws[2]!();
      expect(made.open).toBe(1);
      kernel.runUntil(micros(100_000));
      // Shared by three for 600 us, 200 of its 1,000 have come; serial, it begins anew.
      expect(told).toEqual([[], [uploads === 'parallel' ? 1_800 : 1_000 + ALONE], []]);
      expect(made.open).toBe(0);
      for (const withdraw of withdraws) withdraw();
      expect(made.open).toBe(0);
    },
  );

  test('broken by two, is whole when both have mended it', () => {
    const kernel = new Kernel(1);
    const made = new KvLinkRoom(kernel).open(link());
    const arrived: boolean[] = [];
    const send = (): void => {
      made.send(0, (came) => arrived.push(came));
      kernel.runUntil(micros(kernel.now + 1_000));
    };
    made.setBroken(true, 'one');
    made.setBroken(true, 'other');
    made.setBroken(false, 'one');
    send();
    made.setBroken(false, 'other');
    send();
    expect(arrived).toEqual([false, true]);
  });
});
