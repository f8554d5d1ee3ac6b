import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { micros, NEVER } from '../../src/kernel/index.ts';
import { EventQueue, type EventToken, NO_EVENT, Priority } from '../../src/kernel/queue.ts';

const PRIORITIES = Object.values(Priority);
const MOMENTS = 12;

type Action =
  | { readonly do: 'push'; readonly at: number; readonly priority: Priority }
  | { readonly do: 'pop' }
  | { readonly do: 'cancel'; readonly which: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('push' as const),
      at: fc.nat(MOMENTS),
      priority: fc.constantFrom(...PRIORITIES),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'pop' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat() }) },
);

interface Entry {
  readonly at: number;
  readonly priority: number;
  readonly sequence: number;
}

/** The queue as it should be: a list, sorted whenever somebody looks. */
class SortedList {
  #entries: Entry[] = [];

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  sorted(): Entry[] {
    return this.#entries.toSorted((a, b) => a.at - b.at || a.priority - b.priority || a.sequence - b.sequence);
  }

  pop(): Entry | undefined {
    const first = this.sorted()[0];
    if (first !== undefined) this.remove(first.sequence);
    return first;
  }

  remove(sequence: number): boolean {
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((entry) => entry.sequence !== sequence);
    return this.#entries.length < before;
  }
}

/** Takes the next event off, as its sequence number, which every test pushes as the subject. */
function pop(queue: EventQueue): { at: number; subject: number } | undefined {
  let taken: { at: number; subject: number } | undefined;
  queue.pop((at, _kind, subject) => {
    taken = { at, subject };
  });
  return taken;
}

describe('the event queue', () => {
  test('keeps the order (time, priority, sequence) whatever is pushed, popped and cancelled in between', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
        const queue = new EventQueue();
        const reference = new SortedList();
        const tokens: EventToken[] = [];
        for (const step of actions) {
          if (step.do === 'push') {
            const sequence = tokens.length;
            tokens.push(queue.push(micros(step.at), step.priority, 7, sequence, -sequence));
            reference.push({ at: step.at, priority: step.priority, sequence });
          } else if (step.do === 'pop') {
            const due = reference.pop();
            expect(pop(queue)).toEqual(due && { at: due.at, subject: due.sequence });
          } else if (tokens.length > 0) {
            // Any token ever given: of a pending, a cancelled or a past event, its slot perhaps in use again.
            const which = step.which % tokens.length;
            expect(queue.cancel(tokens[which]!)).toBe(reference.remove(which));
          }
          const left = reference.sorted();
          expect(queue.size).toBe(left.length);
          expect(queue.nextAt()).toBe(left[0]?.at ?? NEVER);
          expect(queue.pending()).toEqual(
            left.map((entry) => ({
              ...entry,
              kind: 7,
              subject: entry.sequence,
              argument: entry.sequence === 0 ? -0 : -entry.sequence,
            })),
          );
        }
      }),
    );
  });

  test('a cancelled event never runs, and cancelling it again says no', () => {
    const queue = new EventQueue();
    const token = queue.push(micros(1), Priority.control, 0, 0, 0);
    expect(queue.cancel(token)).toBe(true);
    expect(queue.cancel(token)).toBe(false);
    expect(pop(queue)).toBeUndefined();
  });

  test('an event that has run, or runs now, cannot be cancelled', () => {
    const queue = new EventQueue();
    const token = queue.push(micros(1), Priority.control, 0, 0, 0);
    queue.pop(() => expect(queue.cancel(token)).toBe(false));
    expect(queue.cancel(token)).toBe(false);
    expect(queue.cancel(NO_EVENT)).toBe(false);
  });

  test('a stale token does nothing to the event that has its slot now', () => {
    const queue = new EventQueue();
    const stale = queue.push(micros(1), Priority.control, 0, 0, 0);
    pop(queue);
    queue.push(micros(2), Priority.control, 0, 1, 0);
    expect(queue.cancel(stale)).toBe(false);
    expect(pop(queue)).toEqual({ at: 2, subject: 1 });
  });

  test('what is left after most of many events were cancelled comes in order, and so does what is pushed after', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2_100, max: 6_000 }),
        fc.integer({ min: 2, max: 50 }),
        fc.nat(),
        (count, kept, salt) => {
          const queue = new EventQueue();
          const moment = (index: number): number => (index * 7_919 + salt) % 1_000;
          const tokens = Array.from({ length: count }, (_, index) =>
            queue.push(micros(moment(index)), Priority.progress, 0, index, 0),
          );
          const left = new SortedList();
          for (const [index, token] of tokens.entries()) {
            if (index % kept !== 0) expect(queue.cancel(token)).toBe(true);
            else left.push({ at: moment(index), priority: Priority.progress, sequence: index });
          }
          for (let index = count; index < count + 10; index++) {
            queue.push(micros(moment(index)), Priority.progress, 0, index, 0);
            left.push({ at: moment(index), priority: Priority.progress, sequence: index });
          }
          const due = left.sorted();
          expect(queue.size).toBe(due.length);
          expect(due.map(() => pop(queue)?.subject)).toEqual(due.map((entry) => entry.sequence));
          expect(pop(queue)).toBeUndefined();
          for (const token of tokens) expect(queue.cancel(token)).toBe(false);
        },
      ),
      { numRuns: 20 },
    );
  });
});
