import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReplicaBook } from '../../src/gateway/routing/index.ts';
import { TTFT_WINDOW } from '../../src/gateway/routing/replica-book.ts';
import { SlidingWindow } from '../../src/gateway/sliding-window.ts';
import type { Micros } from '../../src/kernel/index.ts';
import type { SloClass } from '../../src/platform/index.ts';
import { replicas } from './replicas.ts';

const level = fc.nat(3).map((each) => each as SloClass);

describe('the book of replicas', () => {
  test('has as many connections as were opened and not closed, by service level', () => {
    const [one, other] = replicas(2);
    fc.assert(
      fc.property(fc.array(level), fc.array(level), (open, passing) => {
        const book = new ReplicaBook(() => 0 as Micros);
        for (const each of [...open, ...passing]) book.opened(one!, each);
        for (const each of passing) book.closed(one!, each);
        expect(book.connections(one!)).toBe(open.length);
        for (const each of [0, 1, 2, 3] as const) {
          expect(book.ahead(one!, each)).toBe(open.filter((one) => one <= each).length);
        }
        expect(book.connections(other!)).toBe(0);
      }),
    );
  });

  test('a request without a service level is of the lowest', () => {
    const [replica] = replicas(1);
    const book = new ReplicaBook(() => 0 as Micros);
    book.opened(replica!);
    expect([book.ahead(replica!, 2), book.ahead(replica!, 3)]).toEqual([0, 1]);
  });

  test('averages the times to first token of late, and has none when there were none', () => {
    const [replica] = replicas(1);
    let now = 0 as Micros;
    const book = new ReplicaBook(() => now);
    expect(book.ttft(replica!)).toBeUndefined();
    book.observe(replica!, 300 as Micros, 0 as Micros);
    book.observe(replica!, 100 as Micros, 10 as Micros);
    expect(book.ttft(replica!)).toBe(200);
    now = TTFT_WINDOW;
    expect(book.ttft(replica!)).toBe(100);
    now = (TTFT_WINDOW + 10) as Micros;
    expect(book.ttft(replica!)).toBeUndefined();
  });

  test('keeps what a metric API told last', () => {
    const [replica] = replicas(1);
    const book = new ReplicaBook(() => 0 as Micros);
    const metrics = new Map([['waiting', 3]]);
    book.collected(replica!, metrics);
    expect(book.metrics(replica!)).toBe(metrics);
    book.collected(replica!, undefined);
    expect(book.metrics(replica!)).toBeUndefined();
  });
});

describe('a sliding window', () => {
  test('holds what is less than its width ago, also when thousands have passed through', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.array(fc.tuple(fc.nat(3), fc.nat(9)), { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 100 }),
        (width, pattern, repeats) => {
          const window = new SlidingWindow(width as Micros);
          const all: [number, number][] = [];
          let now = 0;
          for (let turn = 0; turn < repeats; turn++) {
            for (const [step, value] of pattern) {
              now += step;
              window.add(now as Micros, value);
              all.push([now, value]);
            }
          }
          const within = all.filter(([at]) => now - at < width);
          expect(window.size).toBe(within.length);
          expect(window.sum).toBe(within.reduce((sum, [, value]) => sum + value, 0));
          expect(window.moment(0)).toBe(within[0]![0]);
        },
      ),
    );
  });
});
