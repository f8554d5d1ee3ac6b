import { describe, expect, test } from 'vitest';
import { type Baseline, baselineFigures, regressions } from '../../src/fidelity/baseline.ts';
import { type Comparison, errorFigures, heldOutMape, tableFigures } from '../../src/fidelity/figures.ts';

const comparison = (
  group: string,
  measured: number,
  predicted: number,
  more: Partial<Comparison> = {},
): Comparison => ({
  table: 'table',
  group,
  id: `${group}-${measured}`,
  tier: 'fitted',
  measured: { tpot: measured },
  predicted: { tpot: predicted },
  tags: [],
  ...more,
});

describe('error figures', () => {
  test('are those of numpy over absolute errors, with the signed mean beside', () => {
    expect(errorFigures([0.1, -0.2, 0.3, -0.4])).toEqual({
      n: 4,
      mape: expect.closeTo(25),
      medianApe: expect.closeTo(25),
      p90Ape: expect.closeTo(37),
      bias: expect.closeTo(-5),
    });
  });

  test('are none where there is no row', () => expect(errorFigures([])).toBeUndefined());
});

describe('a table', () => {
  const rows = [
    comparison('b', 100, 110),
    comparison('a', 100, 80, { unknown: 'workers', tags: ['dense'], tier: 'derived' }),
    comparison('a', 100, 100, { tags: ['dense'], heldOut: 4 }),
  ];
  const figures = tableFigures('table', rows);
  const of = (group: string) => figures.find((figure) => figure.group === group);

  test('has its groups by name, its tags, and everything, and excludes nothing', () => {
    expect(figures.map(({ group }) => group)).toEqual([
      'a',
      'b',
      'all dense',
      'all dense, configuration known',
      'all dense, configuration unknown',
      'all',
      'all, configuration known',
      'all, configuration unknown',
    ]);
    expect(of('all')!.n).toBe(rows.length);
  });

  test('tells rows of unknown configuration apart, beside the total', () => {
    expect(of('a')).toMatchObject({ n: 2, mape: expect.closeTo(10), bias: expect.closeTo(-10) });
    expect(of('all, configuration known')).toMatchObject({ n: 2, mape: expect.closeTo(5) });
    expect(of('all, configuration unknown')).toMatchObject({ n: 1, mape: expect.closeTo(20) });
  });

  test('is as well founded as its worst row', () => {
    expect(of('a')!.tier).toBe('derived');
    expect(of('b')!.tier).toBe('fitted');
  });

  test('leaves a metric out that its rows do not have', () =>
    expect(new Set(figures.map(({ metric }) => metric))).toEqual(new Set(['tpot'])));

  test('takes held-out errors from the rows that have one', () => {
    expect(heldOutMape(rows)).toEqual({ n: 1, mape: 4 });
    expect(heldOutMape(rows.slice(0, 2))).toBeUndefined();
  });
});

describe('the baseline', () => {
  const figures = tableFigures('table', [comparison('a', 100, 110), comparison('b', 100, 101)]);
  const baseline: Baseline['full'] = baselineFigures(figures);

  test('holds what it was made from', () => expect(regressions(baseline, figures)).toEqual([]));

  test('allows for rounding and for better', () => {
    const better = tableFigures('table', [comparison('a', 100, 110.2), comparison('b', 100, 100)]);
    expect(regressions(baseline, better)).toEqual([]);
  });

  test('refuses an error that grows, by group and in all', () => {
    const worse = tableFigures('table', [comparison('a', 100, 112), comparison('b', 100, 101)]);
    expect(regressions(baseline, worse)).toMatchObject([
      { group: 'a', metric: 'tpot', mape: 10, now: expect.closeTo(12) },
      { group: 'all', now: expect.closeTo(6.5) },
    ]);
  });

  test('refuses a figure that is gone, or over fewer rows', () => {
    const fewer = tableFigures('table', [comparison('a', 100, 110)]);
    expect(regressions(baseline, fewer)).toMatchObject([
      { group: 'b', now: undefined, nowN: 0 },
      { group: 'all', now: undefined, nowN: 1 },
    ]);
  });

  test('says nothing of a figure that it does not know', () => {
    const more = tableFigures('table', [
      comparison('a', 100, 110),
      comparison('b', 100, 101),
      comparison('c', 100, 100),
    ]);
    expect(regressions(baseline, more)).toEqual([]);
  });
});
