import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type JournalEnd,
  type JournalHeader,
  journalLine,
  micros,
  readJournal,
  type Stamped,
  UserError,
} from '../../src/kernel/index.ts';

const HEADER: JournalHeader = {
  inferlabJournal: 1,
  version: '0.1.0',
  scenario: { file: 'small.yaml', text: 'version: 1\nseed: 7\n' },
  settings: ['seed=8'],
  seed: 8,
  epoch: Date.UTC(2026, 0, 1),
  files: [{ path: 'trace.csv', sha256: 'ab'.repeat(32), text: 'a,b\n1,2\n' }],
  noTraffic: false,
};
const END: JournalEnd = { end: micros(1e15), traceHash: 'cd'.repeat(32) };

type Command = Record<string, unknown>;

const commands: fc.Arbitrary<Stamped<Command>[]> = fc
  .array(fc.tuple(fc.nat(), fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue())), { maxLength: 20 })
  .map((pairs) =>
    pairs
      .toSorted(([a], [b]) => a - b)
      .map(([at, command]) => ({ at: micros(at), command: JSON.parse(JSON.stringify(command)) as Command })),
  );

function write(header: JournalHeader, stamped: readonly Stamped<Command>[], end?: JournalEnd): string {
  return [header, ...stamped, ...(end === undefined ? [] : [end])].map((line) => journalLine(line)).join('');
}

const stamp = (at: number): Stamped<Command> => ({ at: micros(at), command: { kind: 'drain' } });

describe('the journal', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(commands, (stamped) => {
        expect(readJournal(write(HEADER, stamped, END), 'j')).toEqual({ header: HEADER, commands: stamped, end: END });
      }),
    );
  });

  test('has no end when the session was killed before it could write one', () => {
    fc.assert(
      fc.property(commands, (stamped) => {
        expect(readJournal(write(HEADER, stamped), 'j')).toEqual({ header: HEADER, commands: stamped });
      }),
    );
  });

  test('a line holds one value, whatever texts the value holds', () => {
    fc.assert(
      fc.property(commands, (stamped) => {
        for (const each of stamped) expect(journalLine(each)).toMatch(/^[^\n]+\n$/);
      }),
    );
  });

  test.each([
    ['an empty file', '', 1],
    ['no JSON', 'version: 1\n', 1],
    ['another JSON file', '{"name":"x"}\n', 1],
    ['another format', journalLine({ ...HEADER, inferlabJournal: 2 as 1 }), 1],
    ['a broken line', `${write(HEADER, [stamp(1)])}{"at":2,"comm\n${journalLine(END)}`, 3],
    ['a line that is no object', `${write(HEADER, [stamp(1)])}7\n`, 3],
    ['an empty line between', `${write(HEADER, [stamp(1)])}\n${journalLine(END)}`, 3],
    ['a stamp before the last', write(HEADER, [stamp(5), stamp(6), stamp(4)]), 4],
    ['a stamp that is no moment', write(HEADER, [{ at: 0.5 as never, command: {} }]), 2],
    ['no command', write(HEADER, [{ at: micros(1), command: null as never }]), 2],
    ['something after the end', `${write(HEADER, [stamp(1)], END)}${journalLine(stamp(2))}`, 4],
  ])('%s is refused, naming file and line', (_, text, line) => {
    const read = (): unknown => readJournal(text, 'session.journal');
    expect(read).toThrow(UserError);
    expect(read).toThrow(new RegExp(`^session\\.journal:${line}: `));
  });
});
