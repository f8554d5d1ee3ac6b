/**
 * Five-field cron schedules: minute, hour, day of month, month, day of week (0 and 7 are Sunday). A field is a list of
 * `*`, values and ranges, each with a step if wished (`5/10` is `5-59/10` of minutes); months and weekdays also by the
 * first three letters of their English names. Not accepted: seconds, `@daily`, `?`, `L`, `#`, and ranges that run
 * backwards. Ours, not a library: those ask the machine for its clock and time zone.
 */
export interface Cron {
  /** For each field the values that it allows. */
  readonly fields: readonly [Allowed, Allowed, Allowed, Allowed, Allowed];
  /** Day of month and day of week are both restricted: either will do (POSIX crontab; `*` with a step restricts). */
  readonly eitherDay: boolean;
}

type Allowed = ReadonlySet<number>;

interface Field {
  readonly low: number;
  readonly high: number;
  /** What its values may be called instead, from `low` on. */
  readonly names?: readonly string[];
}

const FIELDS: readonly Field[] = [
  { low: 0, high: 59 },
  { low: 0, high: 23 },
  { low: 1, high: 31 },
  { low: 1, high: 12, names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { low: 0, high: 7, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];
const UNRESTRICTED = /^\*(\/1)?$/;
const PART = /^(?:\*|([a-z]{3}|\d{1,2})(?:-([a-z]{3}|\d{1,2}))?)(?:\/(\d{1,2}))?$/;
const MINUTE = 60_000;
const MINUTES_A_DAY = 1_440;
/** What does not come up within eight years never does: so far apart are leap days around a century without one. */
const HORIZON_DAYS = 366 * 8;

/** Reads a schedule; undefined when it is none. */
export function parseCron(text: string): Cron | undefined {
  const parts = text.trim().toLowerCase().split(/\s+/);
  if (parts.length !== FIELDS.length) return undefined;
  const fields = parts.map((part, index) => parseField(part, FIELDS[index]!));
  if (!fields.every((field) => field !== undefined)) return undefined;
  const weekdays = fields[4]!;
  if (weekdays.delete(7)) weekdays.add(0);
  const eitherDay = !UNRESTRICTED.test(parts[2]!) && !UNRESTRICTED.test(parts[4]!);
  return { fields: fields as unknown as Cron['fields'], eitherDay };
}

/**
 * The first moment after `from` at which a schedule comes up, in milliseconds since 1970; undefined if it never does.
 * @param utcOffsetMinutes how far local time is ahead of UTC, all year round
 */
export function nextCron({ fields, eitherDay }: Cron, from: number, utcOffsetMinutes: number): number | undefined {
  const [minutes, hours, days, months, weekdays] = fields;
  const shift = utcOffsetMinutes * MINUTE;
  const start = Math.floor((from + shift) / MINUTE) + 1;
  const today = Math.floor(start / MINUTES_A_DAY);
  for (let day = today; day < today + HORIZON_DAYS; day++) {
    const date = new Date(day * MINUTES_A_DAY * MINUTE);
    const onDay = days.has(date.getUTCDate());
    const onWeekday = weekdays.has(date.getUTCDay());
    if (!months.has(date.getUTCMonth() + 1) || !(eitherDay ? onDay || onWeekday : onDay && onWeekday)) continue;
    for (let minute = day === today ? start % MINUTES_A_DAY : 0; minute < MINUTES_A_DAY; minute++) {
      if (hours.has(Math.floor(minute / 60)) && minutes.has(minute % 60)) {
        return (day * MINUTES_A_DAY + minute) * MINUTE - shift;
      }
    }
  }
  return undefined;
}

/** Equal for schedules that always come up together, however they are written. */
export function cronKey({ fields, eitherDay }: Cron): string {
  return JSON.stringify([fields.map((field) => [...field].sort((one, other) => one - other)), eitherDay]);
}

function parseField(text: string, { low, high, names = [] }: Field): Set<number> | undefined {
  const allowed = new Set<number>();
  for (const part of text.split(',')) {
    const match = PART.exec(part);
    if (match === null) return undefined;
    const [, from, to, step] = match;
    const first = from === undefined ? low : numberOf(from);
    // A value with a step goes on from there; without one it is alone.
    const last = to !== undefined ? numberOf(to) : from === undefined || step !== undefined ? high : first;
    const by = step === undefined ? 1 : Number(step);
    if (!(low <= first && first <= last && last <= high && by >= 1)) return undefined;
    for (let value = first; value <= last; value += by) allowed.add(value);
  }
  return allowed;

  /** NaN for a name that is none. */
  function numberOf(word: string): number {
    if (/^\d/.test(word)) return Number(word);
    const index = names.indexOf(word);
    return index < 0 ? Number.NaN : low + index;
  }
}
