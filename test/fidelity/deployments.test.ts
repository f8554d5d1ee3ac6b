import { describe, expect, test } from 'vitest';
import { Deployments, INFERRED } from '../../src/fidelity/tables/deployments.ts';
import { readRecipes, recipesFor } from '../../src/fidelity/tables/recipes.ts';
import { type Pool, readSilicon, type SiliconRow } from '../../src/fidelity/tables/silicon.ts';
import { readMeasurements } from '../../src/files/index.ts';

type Disaggregated = SiliconRow & { deployment: { mode: 'disagg' } };

const files = readMeasurements();
const silicon = readSilicon(files.silicon, 'silicon.csv');
const recipes = readRecipes(files.recipes, 'recipes.csv');
const apart = silicon.filter((row): row is Disaggregated => row.deployment.mode === 'disagg');
const deployments = new Deployments(silicon, recipes);

const bare = ({ layout }: Pool): Pool => ({ layout, workers: undefined });
/** The same row, its worker counts left out. */
const uncounted = (row: Disaggregated): Disaggregated => {
  const { prefill, decode } = row.deployment;
  return { ...row, deployment: { ...row.deployment, prefill: bare(prefill), decode: bare(decode) } };
};

describe('recipes', () => {
  test('give engines, their sizes and what attention does with them', () => {
    const row = apart.find(
      ({ accelerator, engine, precision, promptTokens, concurrency }) =>
        accelerator === 'b200_sxm' &&
        engine === 'trtllm' &&
        precision === 'fp4' &&
        promptTokens === 1_024 &&
        concurrency === 875,
    )!;
    expect(recipesFor(row, recipes)).toMatchObject([
      {
        draftTokens: 3,
        version: '0.8.1.post1',
        prefill: { workers: 1, layout: { devices: 4, dataParallel: 4 } },
        decode: { workers: 5, layout: { devices: 8, tensorParallel: 1, dataParallel: 8, expertParallel: 8 } },
      },
    ]);
    expect(recipesFor({ ...row, concurrency: 876 }, recipes)).toEqual([]);
  });

  test('are refused where engines cannot be read', () => {
    const broken = files.recipes.replace('1 x dep4', '1 of dep4');
    expect(() => readRecipes(broken, 'own.csv')).toThrow(
      'own.csv:2: prefill: got "1 of dep4", expected engines x devices, such as 5 x tep8',
    );
  });
});

describe('deployments', () => {
  test('are known for every disaggregated row, and for no other', () => {
    const found = apart.map((row) => deployments.of(row)!);
    expect(found.every(({ prefill, decode }) => prefill.workers > 0 && decode.workers > 0)).toBe(true);
    expect(found.filter(({ draftTokens }) => draftTokens !== undefined).length).toBeGreaterThan(1_100);
    expect(found.filter(({ inferred }) => inferred === undefined).length).toBeGreaterThan(800);
    expect(deployments.of(silicon.find(({ deployment }) => deployment.mode === 'agg')!)).toBeUndefined();
    expect(new Deployments([], []).of(uncounted(apart[0]!))).toBeUndefined();
  });

  test('are those that rows state, where the counts are hidden from every row', () => {
    const hidden = new Deployments(
      silicon.map((row) => (apart.includes(row as Disaggregated) ? uncounted(row as Disaggregated) : row)),
      recipes,
    );
    const stated = apart.filter(({ deployment }) => deployment.prefill.workers !== undefined);
    const of = (told: (inferred: string | undefined) => boolean): { n: number; hits: number; silent: number } => {
      const some = stated.flatMap((row) => {
        const found = hidden.of(uncounted(row));
        return found !== undefined && told(found.inferred) ? [{ row, found }] : [];
      });
      const hits = some.filter(
        ({ row: { deployment }, found }) =>
          found.prefill.workers === deployment.prefill.workers && found.decode.workers === deployment.decode.workers,
      );
      return { n: some.length, hits: hits.length, silent: some.filter(({ found }) => found.draftTokens === 0).length };
    };
    // One recipe fits: every count is right, and all but one row is without speculation, as that export is.
    const certain = of((inferred) => inferred === undefined);
    expect(certain.n).toBeGreaterThan(120);
    expect(certain.hits).toBe(certain.n);
    expect(certain.silent).toBeGreaterThanOrEqual(certain.n - 1);
    // Several fit, and order decides.
    const ordered = of((inferred) => inferred === INFERRED.order);
    expect(ordered.hits / ordered.n).toBeGreaterThan(0.9);
    expect(ordered.silent / ordered.n).toBeGreaterThan(0.9);
  });

  test('read ranks of what was measured, never a value', () => {
    const slower = silicon.map((row) => ({ ...row, ttftMs: 10 * row.ttftMs, tpotMs: 10 * row.tpotMs }));
    const others = new Deployments(slower, recipes);
    const found = slower.filter(({ deployment }) => deployment.mode === 'disagg').map((row) => others.of(row));
    expect(found).toEqual(apart.map((row) => deployments.of(row)));
  });
});
