import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { micros, Trace } from '../../src/kernel/index.ts';

type Entry =
  | { readonly at: number; readonly code: number; readonly figures: readonly [number, number, number, number] }
  | { readonly at: number; readonly text: string };

/** As large as a moment may be: microseconds of a century take 52 bits. */
const LARGEST = 2 ** 52 - 2;
const figure = fc.oneof(fc.integer(), fc.integer({ min: -LARGEST, max: LARGEST }));
const moment = fc.oneof(fc.nat(), fc.nat(LARGEST));
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ at: moment, code: fc.integer({ min: 1, max: 5 }), figures: fc.tuple(figure, figure, figure, figure) }),
  fc.record({ at: moment, text: fc.string({ unit: 'grapheme' }) }),
);
const entries = fc.array(entry, { maxLength: 40 });

function write(trace: Trace, entry: Entry): void {
  const at = micros(entry.at);
  if ('text' in entry) trace.tell(at, entry.text);
  else trace.note(at, { code: entry.code, name: `word-${entry.code}` }, ...entry.figures);
}

function hash(entries: readonly Entry[], trace = new Trace()): string {
  for (const entry of entries) write(trace, entry);
  return trace.digest();
}

/** The same record with its `which`-th field one more, or its text one letter longer. */
function changed(entry: Entry, which: number): Entry {
  if ('text' in entry) return which % 2 === 0 ? { ...entry, at: entry.at + 1 } : { ...entry, text: `${entry.text}x` };
  if (which === 0) return { ...entry, at: entry.at + 1 };
  if (which === 1) return { ...entry, code: entry.code + 1 };
  const figures = entry.figures.map((each, index) => (index === which - 2 ? each + 1 : each));
  return { ...entry, figures: figures as [number, number, number, number] };
}

describe('the trace', () => {
  test('the same records give the same hash, 64 hexadecimal digits', () => {
    fc.assert(
      fc.property(entries, (records) => {
        expect(hash(records)).toMatch(/^[0-9a-f]{64}$/);
        expect(hash(records)).toBe(hash(records));
      }),
    );
  });

  test('any change of any field of any record changes the hash', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 40 }), fc.nat(), fc.nat(5), (records, index, which) => {
        const place = index % records.length;
        expect(hash(records.with(place, changed(records[place]!, which)))).not.toBe(hash(records));
      }),
    );
  });

  test('the lowest bit of a figure counts, however large it is', () => {
    const of = (figure: number): string => hash([{ at: 0, code: 1, figures: [0, figure, 0, 0] }]);
    for (const edge of [2 ** 52 - 37, 2 ** 51, 2 ** 45 + 1]) {
      expect(new Set([edge, edge - 1, -edge, 1 - edge].map(of)).size).toBe(4);
    }
  });

  test('a record more, a record less or two in another order change the hash', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 2, maxLength: 40 }), fc.nat(), (records, index) => {
        const place = index % (records.length - 1);
        const whole = hash(records);
        expect(hash(records.toSpliced(place, 1))).not.toBe(whole);
        expect(hash([...records, records[place]!])).not.toBe(whole);
        const [a, b] = [records[place]!, records[place + 1]!];
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        expect(hash(records.with(place, b).with(place + 1, a))).not.toBe(whole);
      }),
    );
  });

  test('whether anyone reads the trace changes nothing, and the reader gets one line a record', () => {
    fc.assert(
      fc.property(entries, (records) => {
        const lines: string[] = [];
        const read = new Trace((line) => lines.push(line));
        expect(hash(records, read)).toBe(hash(records));
        expect(lines.length).toBe(records.length);
        expect(read.records).toBe(records.length);
      }),
    );
  });

  test('asking for the hash midway does not change it in the end', () => {
    fc.assert(
      fc.property(entries, fc.array(fc.nat(40)), (records, asked) => {
        const trace = new Trace();
        for (const [index, record] of records.entries()) {
          if (asked.includes(index)) expect(trace.digest()).toBe(hash(records.slice(0, index)));
          write(trace, record);
        }
        expect(trace.digest()).toBe(hash(records));
      }),
    );
  });

  test('more records than the buffer holds are all hashed', () => {
    const many = Array.from({ length: 2_000 }, (_, at): Entry => ({ at, code: 1, figures: [at, 0, 0, 0] }));
    const trace = new Trace();
    expect(hash(many, trace)).not.toBe(hash(many.with(0, changed(many[0]!, 5))));
    expect(trace.records).toBe(2_000);
  });
});
