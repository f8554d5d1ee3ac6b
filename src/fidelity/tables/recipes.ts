import { findModel } from '../../catalog/index.ts';
import type { Layout } from './layout.ts';
import type { Pool, SiliconRow } from './silicon.ts';
import { readTable, type TableRow } from './table.ts';

/** Some engines with all that is to be known of them. */
export type Engines = Required<{ layout: Layout; workers: number }>;

/** How a benchmark campaign launched one of its deployments, as the campaign's own list of configurations says. */
export interface Recipe {
  readonly image: string;
  /** The engine's, as the image names it. */
  readonly version: string;
  /** Accelerator, engine, model, precision and lengths: what a row must agree in. */
  readonly of: string;
  readonly clients: ReadonlySet<number>;
  readonly prefill: Engines;
  readonly decode: Engines;
  /** Of multi-token prediction; 0 without. */
  readonly draftTokens: number;
}

const COLUMNS = ['image', 'accelerator', 'engine', 'model', 'precision', 'clients', 'prefill', 'decode'] as const;

/** @throws UserError naming line, column, value and what was expected */
export function readRecipes(text: string, file: string): Recipe[] {
  return readTable(text, file, COLUMNS).map((row) => ({
    image: row.text('image'),
    version: versionOf(row.text('image')),
    of: keyOf(
      row.text('accelerator'),
      row.text('engine'),
      row.text('model'),
      row.text('precision'),
      row.number('isl'),
      row.number('osl'),
    ),
    clients: new Set(row.text('clients').split(' ').map(Number)),
    prefill: enginesOf(row, 'prefill'),
    decode: enginesOf(row, 'decode'),
    draftTokens: row.number('draft_tokens'),
  }));
}

/**
 * The recipes that a row can have been measured with, the fastest first: of its model, accelerator, engine, precision,
 * lengths and clients; of its image where one of them is; of its sizes.
 */
export function recipesFor(row: SiliconRow, recipes: readonly Recipe[]): Recipe[] {
  const { accelerator, engine, precision, promptTokens, outputTokens, concurrency, deployment } = row;
  if (deployment.mode !== 'disagg' || concurrency === undefined) return [];
  const model = findModel(row.modelPath)?.id ?? row.modelPath;
  const key = keyOf(accelerator, engine, model, precision, promptTokens, outputTokens);
  const alike = recipes.filter(({ of, clients }) => of === key && clients.has(concurrency));
  const image = imageOf(row);
  const { prefill, decode } = deployment;
  const sized = narrowed(alike, (recipe) => recipe.image === image).filter((recipe) =>
    hasSizes(recipe, prefill.layout, decode.layout),
  );
  return narrowed(sized, (recipe) => recipe.prefill.layout.expertParallel === prefill.layout.expertParallel).toSorted(
    bySpeed,
  );
}

/** The container image of a row's engine; `-` where the table does not tell. */
export function imageOf({ source }: SiliconRow): string {
  return /(?:lmsysorg|vllm|nvcr)\S*?:([^;\s]+)/.exec(source)?.[1] ?? '-';
}

/** `v0.5.8.post1-cu130` is 0.5.8.post1; TensorRT-LLM's images go by their whole tag. */
function versionOf(image: string): string {
  return /^v(\d[^-]*)/.exec(image)?.[1] ?? image;
}

/** Whether a pool that names its engines is the recipe's. */
export function sameEngines(pool: Pool, { workers, layout }: Engines): boolean {
  return pool.workers === workers && pool.layout.devices === layout.devices;
}

/** Those that suit, where any does. */
function narrowed(recipes: readonly Recipe[], suits: (recipe: Recipe) => boolean): readonly Recipe[] {
  const some = recipes.filter(suits);
  return some.length > 0 ? some : recipes;
}

/**
 * A row states the devices of one engine on each side; one export states those of the whole deployment on both, and
 * the campaign whose launcher ignored sizes states 1.
 */
function hasSizes({ prefill, decode }: Recipe, { devices: ofPrefill }: Layout, { devices: ofDecode }: Layout): boolean {
  if (ofPrefill === prefill.layout.devices && ofDecode === decode.layout.devices) return true;
  const all = prefill.workers * prefill.layout.devices + decode.workers * decode.layout.devices;
  return ofPrefill === ofDecode && (ofDecode === all || ofDecode === 1);
}

/** More drafts, then more devices a client: what a deployment pays for a faster token. */
function bySpeed(a: Recipe, b: Recipe): number {
  const devices = ({ decode }: Recipe): number => decode.workers * decode.layout.devices;
  return b.draftTokens - a.draftTokens || devices(b) - devices(a);
}

/** `5 x tep8`: five engines of eight devices each. */
function enginesOf(row: TableRow, column: 'prefill' | 'decode'): Engines {
  const found = /^(\d+) x (tp|tep|dp|dep)(\d+)$/.exec(row.text(column));
  if (found === null) throw row.wrong(column, 'engines x devices, such as 5 x tep8');
  const [, workers, how, size] = found;
  const devices = Number(size);
  const dataParallel = how!.startsWith('d') ? devices : 1;
  return {
    workers: Number(workers),
    layout: {
      devices,
      tensorParallel: devices / dataParallel,
      dataParallel,
      expertParallel: how!.includes('e') ? devices : 1,
    },
  };
}

function keyOf(...parts: readonly (string | number)[]): string {
  return parts.join('|');
}
