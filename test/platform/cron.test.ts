import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cronKey, nextCron, parseCron } from '../../src/platform/cron.ts';

const MINUTE = 60_000;

/** The moment after `from` at which a schedule comes up, as people write it. */
function next(schedule: string, from: string, utcOffsetMinutes = 0): string | undefined {
  const at = nextCron(parseCron(schedule)!, Date.parse(from), utcOffsetMinutes);
  return at === undefined ? undefined : new Date(at).toISOString().slice(0, 16);
}

/** One element of a field: how it is written, and what it lets through. */
interface Part {
  readonly text: string;
  readonly lets: (value: number) => boolean;
}

function part(low: number, high: number): fc.Arbitrary<Part> {
  const value = fc.integer({ min: low, max: high });
  const step = fc.integer({ min: 1, max: 30 });
  return fc.oneof(
    fc.constant({ text: '*', lets: () => true }),
    step.map((by) => ({ text: `*/${by}`, lets: (given: number) => (given - low) % by === 0 })),
    value.map((only) => ({ text: String(only), lets: (given: number) => given === only })),
    fc.tuple(value, step).map(([first, by]) => ({
      text: `${first}/${by}`,
      lets: (given: number) => given >= first && (given - first) % by === 0,
    })),
    fc.tuple(value, value, fc.option(step, { nil: undefined })).map(([one, other, by]) => {
      const [first, last] = [Math.min(one, other), Math.max(one, other)];
      return {
        text: `${first}-${last}${by === undefined ? '' : `/${by}`}`,
        lets: (given: number) => given >= first && given <= last && (given - first) % (by ?? 1) === 0,
      };
    }),
  );
}

function field(low: number, high: number): fc.Arbitrary<Part> {
  return fc.array(part(low, high), { minLength: 1, maxLength: 3 }).map((parts) => ({
    text: parts.map(({ text }) => text).join(','),
    lets: (value) => parts.some(({ lets }) => lets(value)),
  }));
}

describe('schedules', () => {
  test('come up when a clock that is looked at every minute says so', () => {
    const schedule = fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7));
    const from = fc.integer({ min: Date.UTC(2023, 11, 1), max: Date.UTC(2104, 3, 1) });
    const offset = fc.integer({ min: -720, max: 840 });
    fc.assert(
      fc.property(schedule, from, offset, ([minute, hour, day, month, weekday], from, offset) => {
        const either = [day, weekday].every(({ text }) => text !== '*' && text !== '*/1');
        const matches = (local: Date): boolean => {
          const onDay = day.lets(local.getUTCDate());
          const onWeekday = weekday.lets(local.getUTCDay()) || (local.getUTCDay() === 0 && weekday.lets(7));
          return (
            minute.lets(local.getUTCMinutes()) &&
            hour.lets(local.getUTCHours()) &&
            month.lets(local.getUTCMonth() + 1) &&
            (either ? onDay || onWeekday : onDay && onWeekday)
          );
        };
        const horizon = from + 10 * 24 * 60 * MINUTE;
        let expected = (Math.floor(from / MINUTE) + 1) * MINUTE;
        while (expected < horizon && !matches(new Date(expected + offset * MINUTE))) expected += MINUTE;
        const text = [minute, hour, day, month, weekday].map(({ text }) => text).join(' ');
        const at = nextCron(parseCron(text)!, from, offset) ?? Number.POSITIVE_INFINITY;
        if (expected < horizon) expect(at).toBe(expected);
        else expect(at).toBeGreaterThanOrEqual(horizon);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['0 8 * * *', '2026-01-01T08:00:00Z', '2026-01-02T08:00', 'strictly after'],
    ['0 8 * * *', '2026-01-01T07:59:59.999Z', '2026-01-01T08:00', 'from within the minute before'],
    ['0 0 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T00:00', 'a leap day'],
    ['0 0 29 2 *', '2096-03-01T00:00:00Z', '2104-02-29T00:00', 'a leap day beyond a century without one'],
    ['0 0 31 * *', '2026-04-01T00:00:00Z', '2026-05-31T00:00', 'only months that have the day'],
    ['30 8 * * MON-fri', '2026-01-02T09:00:00Z', '2026-01-05T08:30', 'names, in any letters'],
    ['0 0 1 jan,Jul *', '2026-01-02T00:00:00Z', '2026-07-01T00:00', 'names of months, in a list'],
    ['0 0 * * 7', '2026-01-01T00:00:00Z', '2026-01-04T00:00', '7 is Sunday'],
    ['0 0 13 * 5', '2026-01-01T00:00:00Z', '2026-01-02T00:00', 'the 13th or a Friday, whichever comes first'],
    ['  5   4 *  *  * ', '2026-01-01T00:00:00Z', '2026-01-01T04:05', 'whatever the spaces'],
  ])('"%s" after %s is %s: %s', (schedule, from, expected) => {
    expect(next(schedule, from)).toBe(expected);
  });

  test('are in local time, a fixed offset from UTC all year', () => {
    expect(next('0 8 * * *', '2026-01-01T00:00:00Z', 480)).toBe('2026-01-02T00:00');
    expect(next('0 8 * * *', '2026-07-01T00:00:00Z', 480)).toBe('2026-07-02T00:00');
    expect(next('0 0 1 1 *', '2025-12-31T18:00:00Z', 330)).toBe('2025-12-31T18:30');
  });

  test('that never come up have no next moment', () => {
    expect(next('0 0 30 2 *', '2026-01-01T00:00:00Z')).toBeUndefined();
  });

  test('are equal when they come up together, however they are written', () => {
    const key = (text: string): string => cronKey(parseCron(text)!);
    expect(key('0 8 * * 0')).toBe(key('0 8 * * sun'));
    expect(key('0 8 * * 7')).toBe(key('0 8 */1 1-12 0'));
    expect(key('0,30 8 * * *')).toBe(key('*/30 8 * * *'));
    expect(key('0 8 1 * 1')).not.toBe(key('0 8 1 * *'));
  });

  test.each([
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * 32 * *',
    '* * * 13 *',
    '* * * * 8',
    '30-10 * * * *',
    '*/0 * * * *',
    '1, * * * *',
    '1-2-3 * * * *',
    '-1 * * * *',
    '1.5 * * * *',
    '@daily',
    '? * * * *',
    'mon * * * *',
    '* * * mon *',
    '* * * * monday',
    '* * L * *',
    'a b c d e',
  ])('"%s" is none', (text) => {
    expect(parseCron(text)).toBeUndefined();
  });

  test('anything at all is read or refused', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom(...'0123459*-/,jan') }), { maxLength: 6 }), (fields) => {
        const cron = parseCron(fields.join(' '));
        if (cron !== undefined) expect(cron.fields.every(({ size }) => size > 0)).toBe(true);
      }),
    );
  });
});
