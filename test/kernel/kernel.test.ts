import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Kernel, micros, NEVER, Priority } from '../../src/kernel/index.ts';

/** A kernel whose events note when they ran, and bring forth the next of a chain `argument` µs later. */
function chains(): { kernel: Kernel; ran: number[]; start: (at: number, gap: number) => void } {
  const kernel = new Kernel(1);
  const ran: number[] = [];
  const kind = kernel.kind('test/chain', Priority.progress, (subject, gap) => {
    ran.push(kernel.now);
    if (subject > 0) kernel.schedule(kind, micros(kernel.now + gap), subject - 1, gap);
  });
  return { kernel, ran, start: (at, gap) => kernel.schedule(kind, micros(at), 10, gap) };
}

const chain = fc.record({ at: fc.nat(100), gap: fc.nat(30) });
const moments = fc.array(fc.nat(500), { maxLength: 20 });

describe('the kernel', () => {
  test('runUntil runs all that is due by then, what becomes due meanwhile included, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(chain, { maxLength: 10 }), fc.nat(500), (starts, until) => {
        const { kernel, ran, start } = chains();
        for (const { at, gap } of starts) start(at, gap);
        expect(kernel.runUntil(micros(until))).toBe(true);
        const due = starts
          .flatMap(({ at, gap }) => Array.from({ length: 11 }, (_, index) => at + index * gap))
          .filter((at) => at <= until);
        expect(ran).toEqual(due.sort((a, b) => a - b));
        expect(kernel.events).toBe(due.length);
        expect(kernel.now).toBe(until);
        expect(kernel.nextAt()).toBeGreaterThan(until);
      }),
    );
  });

  test('time never goes back, wherever one asks it to go', () => {
    fc.assert(
      fc.property(fc.array(chain, { maxLength: 5 }), moments, (starts, asked) => {
        const { kernel, ran, start } = chains();
        for (const { at, gap } of starts) start(at, gap);
        let latest = 0;
        for (const until of asked) {
          kernel.runUntil(micros(until));
          latest = Math.max(latest, until);
          expect(kernel.now).toBe(latest);
        }
        expect(ran).toEqual(ran.toSorted((a, b) => a - b));
      }),
    );
  });

  test('running in pieces of any size is running at once', () => {
    fc.assert(
      fc.property(
        fc.array(chain, { maxLength: 5 }),
        moments,
        fc.integer({ min: 1, max: 7 }),
        (starts, pieces, limit) => {
          const whole = chains();
          const cut = chains();
          for (const { at, gap } of starts) {
            whole.start(at, gap);
            cut.start(at, gap);
          }
          whole.kernel.runUntil(micros(600));
          for (const until of pieces.toSorted((a, b) => a - b)) cut.kernel.runUntil(micros(until), limit);
          while (!cut.kernel.runUntil(micros(600), limit));
          expect(cut.ran).toEqual(whole.ran);
          expect(cut.kernel.now).toBe(whole.kernel.now);
        },
      ),
    );
  });

  test('a limit stops the run with the clock at the last event', () => {
    const { kernel, ran, start } = chains();
    start(5, 10);
    expect(kernel.runUntil(micros(1_000), 3)).toBe(false);
    expect(ran).toEqual([5, 15, 25]);
    expect(kernel.now).toBe(25);
    expect(kernel.runUntil(micros(1_000), 8)).toBe(true);
    expect(kernel.now).toBe(1_000);
  });

  test('running for ever ends when nothing is left, with the clock at the last event', () => {
    const { kernel, start } = chains();
    start(5, 10);
    expect(kernel.runUntil(NEVER)).toBe(true);
    expect(kernel.now).toBe(105);
  });

  test('an event in the past is refused', () => {
    const kernel = new Kernel(1);
    const kind = kernel.kind('test/any', Priority.cause, () => {});
    kernel.runUntil(micros(10));
    expect(() => kernel.schedule(kind, micros(9))).toThrow('test/any');
    expect(() => kernel.schedule(kind, Number.NaN as never)).toThrow('test/any');
    kernel.schedule(kind, micros(10));
  });

  test('step runs one event, whatever its moment', () => {
    const { kernel, ran, start } = chains();
    start(50, 1);
    expect(kernel.step()).toBe(true);
    expect(ran).toEqual([50]);
    expect(kernel.pending()).toMatchObject([{ name: 'test/chain', at: 51, subject: 9, argument: 1 }]);
  });

  test('at one instant causes come before progress, control, arrivals and the script', () => {
    const kernel = new Kernel(1);
    const ran: string[] = [];
    const kinds = Object.entries(Priority).map(([name, priority]) => kernel.kind(name, priority, () => ran.push(name)));
    for (const kind of kinds.toReversed()) kernel.schedule(kind, micros(3));
    kernel.runUntil(micros(3));
    expect(ran).toEqual(['cause', 'progress', 'control', 'arrival', 'script']);
  });
});
