import { expect, test } from 'vitest';
import { barNamed, barPercent, printedBars } from '../../bench/support/fidelity-bars.ts';
import { stated } from '../../bench/support/readme.ts';

const PRINTED = `
bars (replayed: rows that the fits have seen)
  held    replayed  silicon, dense: tpot MAPE                      7.4 % (n 678)                   limit 10 %
  MISSED  replayed  silicon, disaggregated: tpot MAPE              34.4 % (n 1230)                 limit 20 %
  held    held out  silicon, dense: tpot MAPE, left out (n 672)    18.9 %                          limit 20 %
  held    replayed  rtx: throughput                                -0.5 %                          limit 5 %
  MISSED  replayed  DistServe's regression, OPT-13B: placement     TP 1 prefill x 1, 4.68/s a GPU  limit TP 2 prefill
  MISSED  replayed  rounded: tpot                                  10.0 % (n 3)                    limit 10 %

outliers
`;
const bars = printedBars(PRINTED);

test('every printed bar is read, and nothing else', () => {
  expect(bars).toHaveLength(6);
  expect(bars[4]).toEqual({
    held: false,
    origin: 'replayed',
    name: "DistServe's regression, OPT-13B: placement",
    found: 'TP 1 prefill x 1, 4.68/s a GPU',
    limit: 'TP 2 prefill',
  });
});

test.each([
  ['replayed', 'silicon, dense: tpot MAPE', 7.4],
  ['replayed', 'silicon, disaggregated: tpot MAPE', 34.4],
  ['held out', 'silicon, dense: tpot MAPE, left out', 18.9],
  ['replayed', 'rtx: throughput', 0.5],
] as const)('%s "%s" is %d percent off', (origin, name, percent) => {
  expect(barPercent(barNamed(bars, origin, name))).toBe(percent);
});

test('a bar that is not there, or whose rounding hides that it is missed, is no figure', () => {
  expect(() => barNamed(bars, 'held out', 'rtx: throughput')).toThrow('prints 0 held out bars');
  expect(() => barPercent(barNamed(bars, 'replayed', 'rounded: tpot'))).toThrow('is missed, but prints 10.0 %');
});

test('a number is taken from the README, and one that it no longer states is an error', () => {
  expect(stated(/replays ([\d,]+) rows/, 'it replays 3,792 rows')).toBe(3_792);
  expect(() => stated(/replays ([\d,]+) rows/, 'it replays some')).toThrow('states nothing like');
});
