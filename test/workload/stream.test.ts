import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Chance, fromSeconds, type Micros } from '../../src/kernel/index.ts';
import { type ArrivalSpec, type TrafficRequest, type TrafficSpec, TrafficStream } from '../../src/workload/index.ts';

const spec = (arrivals: ArrivalSpec, rest: Partial<TrafficSpec> = {}): TrafficSpec => ({
  name: 'users',
  service: 'chat',
  from: 'ready',
  start: 0 as Micros,
  arrivals,
  prompt: { kind: 'lognormal', median: 400, sigma: 0.8, max: 4096 },
  output: { kind: 'lognormal', median: 120, sigma: 0.6, max: 512 },
  ...rest,
});

/** Everything that a stream sends, up to a bound that keeps an endless one from hanging the test. */
function drain(traffic: TrafficSpec, seconds: number | undefined, chance = new Chance(1)): TrafficRequest[] {
  const duration = seconds === undefined ? undefined : fromSeconds(seconds);
  const stream = new TrafficStream(traffic, (name) => chance.stream(name), duration);
  const sent: TrafficRequest[] = [];
  for (let request = stream.next(); request !== undefined && sent.length < 200_000; request = stream.next())
    sent.push(request);
  expect(stream.next()).toBeUndefined();
  return sent;
}

const gapsOf = (sent: readonly TrafficRequest[]): number[] =>
  sent.slice(1).map(({ offset }, i) => (offset - sent[i]!.offset) / 1e6);
const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;
const cvOf = (values: readonly number[]): number => {
  const average = mean(values);
  return Math.sqrt(mean(values.map((each) => (each - average) ** 2))) / average;
};

const RANDOM: fc.Arbitrary<ArrivalSpec> = fc.oneof(
  fc.record({ kind: fc.constant('constant' as const), rate: fc.double({ min: 0.1, max: 100, noNaN: true }) }),
  fc.record({ kind: fc.constant('poisson' as const), rate: fc.double({ min: 0.1, max: 100, noNaN: true }) }),
  fc.record({
    kind: fc.constant('gamma' as const),
    rate: fc.double({ min: 0.1, max: 100, noNaN: true }),
    cv: fc.double({ min: 0.2, max: 5, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant('ramp' as const),
    from: fc.double({ min: 0, max: 100, noNaN: true }),
    to: fc.double({ min: 0.1, max: 100, noNaN: true }),
  }),
);

describe('every stream', () => {
  test('sends in order, within its time, whole numbers of tokens within their bounds', () => {
    fc.assert(
      fc.property(RANDOM, fc.nat(), fc.nat(5), (arrivals, seed, start) => {
        const sent = drain(spec(arrivals, { start: fromSeconds(start) }), 20, new Chance(seed));
        for (const [index, { offset, promptTokens, outputTokens, row }] of sent.entries()) {
          expect(Number.isInteger(offset)).toBe(true);
          expect(offset).toBeGreaterThanOrEqual(sent[index - 1]?.offset ?? start * 1e6);
          expect(offset).toBeLessThan(20e6);
          expect(row).toBe(index);
          expect(Number.isInteger(promptTokens) && promptTokens >= 1 && promptTokens <= 4096).toBe(true);
          expect(Number.isInteger(outputTokens) && outputTokens >= 1 && outputTokens <= 512).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('is left as it is by streams beside it, however they are interleaved', () => {
    fc.assert(
      fc.property(RANDOM, RANDOM, fc.nat(), (arrivals, others, seed) => {
        const alone = drain(spec(arrivals), 10, new Chance(seed));
        const chance = new Chance(seed);
        const beside = new TrafficStream(
          spec(others, { name: 'others' }),
          (name) => chance.stream(name),
          fromSeconds(10),
        );
        const stream = new TrafficStream(spec(arrivals), (name) => chance.stream(name), fromSeconds(10));
        for (const request of alone) {
          beside.next();
          expect(stream.next()).toEqual(request);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('keeps its arrivals and prompts when only its answers change', () => {
    const poisson: ArrivalSpec = { kind: 'poisson', rate: 5 };
    const before = drain(spec(poisson), 30);
    const changed = drain(spec(poisson, { output: { kind: 'fixed', tokens: 7 } }), 30);
    expect(changed).toEqual(before.map((request) => ({ ...request, outputTokens: 7 })));
  });

  test('stops at its count', () => {
    expect(drain(spec({ kind: 'poisson', rate: 5 }, { count: 12 }), undefined)).toHaveLength(12);
  });
});

test('a constant rate begins at once and never drifts', () => {
  const sent = drain(spec({ kind: 'constant', rate: 3 }), 1_000);
  expect(sent).toHaveLength(3_000);
  expect(sent.map(({ offset }) => offset)).toEqual(sent.map((_, index) => Math.round((index * 1e6) / 3)));
});

test('poisson gaps have the mean and the spread of an exponential distribution', () => {
  const gaps = gapsOf(drain(spec({ kind: 'poisson', rate: 50 }), 1_000));
  expect(mean(gaps)).toBeCloseTo(0.02, 3);
  expect(cvOf(gaps)).toBeCloseTo(1, 1);
});

test.each([0.5, 1, 3])('gamma gaps have the mean asked for, and a coefficient of variation of %s', (cv) => {
  const gaps = gapsOf(drain(spec({ kind: 'gamma', rate: 50, cv }), 2_000));
  expect(mean(gaps) * 50).toBeCloseTo(1, 1);
  expect(cvOf(gaps) / cv).toBeCloseTo(1, 1);
});

test.each([
  [0, 100],
  [100, 0],
  [30, 30],
])('a ramp from %s to %s sends the integral of its rate, each half its share', (from, to) => {
  const sent = drain(spec({ kind: 'ramp', from, to }), 1_000);
  const within = (count: number, expected: number): void => {
    // Five standard deviations of a Poisson count.
    expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
  };
  within(sent.length, ((from + to) / 2) * 1_000);
  within(sent.filter(({ offset }) => offset < 500e6).length, ((3 * from + to) / 4) * 500);
});

test('a trace is sent row by row, faster when asked to be, and ends', () => {
  const trace = { file: 't', at: [0, 3, 10] as Micros[], promptTokens: [5, 6, 7], outputTokens: [1, 2, 3] };
  const recorded = { prompt: { kind: 'trace' }, output: { kind: 'trace' } } as const;
  expect(drain(spec({ kind: 'trace', trace, speed: 2 }, { ...recorded, start: 100 as Micros }), undefined)).toEqual([
    { offset: 100, promptTokens: 5, outputTokens: 1, row: 0 },
    { offset: 102, promptTokens: 6, outputTokens: 2, row: 1 },
    { offset: 105, promptTokens: 7, outputTokens: 3, row: 2 },
  ]);
});

test('a lognormal length has the median asked for', () => {
  const prompts = drain(spec({ kind: 'constant', rate: 100 }), 200).map(({ promptTokens }) => promptTokens);
  const median = prompts.sort((a, b) => a - b)[prompts.length / 2]!;
  expect(Math.abs(median - 400)).toBeLessThan(15);
});
