import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTrace } from '../../src/workload/index.ts';

const HEADER = 'TIMESTAMP,ContextTokens,GeneratedTokens';
const parse = (...lines: string[]) => parseTrace(lines.join('\n'), 't.csv', 'azure');

test('offsets are exact to the microsecond, across midnight too', () => {
  const trace = parse(
    HEADER,
    '2023-11-16 23:59:59.9999999,374,44',
    '2023-11-17 00:00:00.0000005,396,109',
    '2023-11-17 00:00:01.0000009,1,2',
    '',
  );
  expect(trace).toEqual({
    file: 't.csv',
    at: [0, 1, 1_000_001],
    promptTokens: [374, 396, 1],
    outputTokens: [44, 109, 2],
  });
});

test('line ends of either kind, a byte order mark and columns in another order make no difference', () => {
  const lines = [HEADER, '2023-11-16 18:15:46.6805900,374,44', '2023-11-16 18:15:50.9951690,396,109', ''];
  expect(parseTrace(`\uFEFF${lines.join('\r\n')}`, 't.csv', 'azure')).toEqual(parse(...lines));
  const swapped = parse('GeneratedTokens,TIMESTAMP,ContextTokens', '44,2023-11-16 18:15:46,374');
  expect(swapped).toMatchObject({ promptTokens: [374], outputTokens: [44] });
});

test('offsets are the rounded differences of the ticks written', () => {
  const ticks = fc.array(fc.nat(50_000_000), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(ticks, (gaps) => {
      let total = 0;
      const sums = gaps.map((gap) => (total += gap));
      const stamp = (at: number): string => {
        const seconds = new Date(Date.UTC(2023, 10, 16, 18) + Math.floor(at / 1e7) * 1_000).toISOString();
        return `${seconds.slice(0, 10)} ${seconds.slice(11, 19)}.${String(at % 1e7).padStart(7, '0')}`;
      };
      const { at } = parse(HEADER, ...sums.map((sum) => `${stamp(sum)},1,1`));
      expect(at).toEqual(sums.map((sum) => Math.round((sum - sums[0]!) / 10)));
    }),
  );
});

describe('a broken trace is refused', () => {
  const GOOD = '2023-11-16 18:15:46.6805900,374,44';
  test.each([
    [[''], 't.csv:1: empty trace; expected a header and at least one row'],
    [[HEADER, ''], 't.csv:1: no rows after the header'],
    [['TIMESTAMP,ContextToken,GeneratedTokens', GOOD], 't.csv:1:11: no column "ContextTokens": got "ContextToken"'],
    [[GOOD], 't.csv:1: no column "TIMESTAMP": got the header "2023-11-16 18:15:46.6805900,374,44"'],
    [
      [HEADER, GOOD, '2023-11-16 18:15:47,5'],
      't.csv:3: got 2 fields, expected 3 (TIMESTAMP,ContextTokens,GeneratedTokens)',
    ],
    [[HEADER, '2023-11-16 18:15:47,5,x'], 't.csv:2:23: GeneratedTokens: got "x", expected a positive integer'],
    [[HEADER, '2023-11-16 18:15:47,0,5'], 't.csv:2:21: ContextTokens: got "0", expected a positive integer'],
    [[HEADER, '2023-11-16 18:15:47,1.5,5'], 't.csv:2:21: ContextTokens: got "1.5", expected a positive integer'],
    [
      [HEADER, '16/11/2023,1,5'],
      't.csv:2:1: TIMESTAMP: got "16/11/2023", expected a timestamp such as 2023-11-16 18:15:46.6805900',
    ],
    [
      [HEADER, '2023-13-16 18:15:47,1,5'],
      't.csv:2:1: TIMESTAMP: got "2023-13-16 18:15:47", expected a timestamp such as 2023-11-16 18:15:46.6805900',
    ],
    [
      [HEADER, GOOD, '2023-11-16 18:15:46.6805899,1,5'],
      't.csv:3:1: TIMESTAMP: got "2023-11-16 18:15:46.6805899", which is before the row above; expected rows in order of arrival',
    ],
  ])('%j', (lines, message) => {
    expect(() => parse(...lines)).toThrowError(expect.objectContaining({ name: 'UserError', message }));
  });

  test('an open quote is told with its line', () => {
    expect(() => parse(HEADER, '"2023,1,5')).toThrowError(/^t\.csv:\d+: not a CSV file: /);
  });
});
