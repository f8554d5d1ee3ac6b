import type { Layout } from './layout.ts';
import type { Pool, SiliconRow } from './silicon.ts';

/** A disaggregated deployment with all its counts. */
export interface Workers {
  readonly prefill: Required<{ layout: Layout; workers: number }>;
  readonly decode: Required<{ layout: Layout; workers: number }>;
  /** Taken from a similar row: the table does not tell. */
  readonly imputed: boolean;
}

type Disaggregated = SiliconRow & { deployment: { mode: 'disagg' } };

/**
 * Worker counts of disaggregated rows. Two thirds of the table leave them out; many of those are the same deployment
 * that another row, from another export of the same campaign, describes in full: the same accelerator, engine,
 * precision, lengths, clients, devices and day. What is left takes the counts of the nearest labelled row, by load,
 * and is marked as imputed. Measured latencies are never looked at.
 */
export class WorkerCounts {
  readonly #labelled: readonly Disaggregated[];
  /** undefined where labelled rows disagree. */
  readonly #same = new Map<string, Disaggregated | undefined>();

  constructor(rows: readonly SiliconRow[]) {
    this.#labelled = rows.filter(isDisaggregated).filter(isLabelled);
    for (const row of this.#labelled) {
      const key = keyOf(row);
      const other = this.#same.get(key);
      if (!this.#same.has(key)) this.#same.set(key, row);
      else if (other !== undefined && !sameWorkers(other, row)) this.#same.set(key, undefined);
    }
  }

  /** undefined where there is no labelled row to learn from. */
  of(row: SiliconRow): Workers | undefined {
    if (!isDisaggregated(row)) return undefined;
    if (isLabelled(row)) return counted(row, false);
    const same = this.#same.get(keyOf(row));
    if (same !== undefined) return counted(same, false);
    return this.#impute(row);
  }

  #impute(row: Disaggregated): Workers | undefined {
    const alike = this.#labelled.filter(({ engine }) => engine === row.engine);
    const size = row.deployment.decode.layout.devices;
    const sameSize = alike.filter((other) => other.deployment.decode.layout.devices === size);
    const samePlace = sameSize.filter(
      ({ accelerator, precision }) => accelerator === row.accelerator && precision === row.precision,
    );
    const candidates = [samePlace, sameSize, alike].find(({ length }) => length > 0);
    if (candidates === undefined) return undefined;
    const distance = (other: Disaggregated): number =>
      Math.abs(Math.log(clientsOf(other) / clientsOf(row))) +
      0.7 * Math.abs(Math.log(other.promptTokens / row.promptTokens));
    const nearest = candidates.reduce((best, other) => (distance(other) < distance(best) ? other : best));
    return {
      prefill: likened(row.deployment.prefill, nearest.deployment.prefill),
      decode: likened(row.deployment.decode, nearest.deployment.decode),
      imputed: true,
    };
  }
}

/** Clients of a row; where it names none, the sequences that its decode engines hold. */
export function clientsOf(row: SiliconRow): number {
  if (row.concurrency !== undefined) return row.concurrency;
  const { deployment } = row;
  return deployment.mode === 'agg' ? 1 : deployment.decodeBatch * (deployment.decode.workers ?? 1);
}

export function measuredOn(row: SiliconRow): string {
  return /measured=(\d{4}-\d\d-\d\d)/.exec(row.source)?.[1] ?? '-';
}

function isDisaggregated(row: SiliconRow): row is Disaggregated {
  return row.deployment.mode === 'disagg';
}

function isLabelled({ deployment: { prefill, decode } }: Disaggregated): boolean {
  return prefill.workers !== undefined && decode.workers !== undefined;
}

function counted({ deployment: { prefill, decode } }: Disaggregated, imputed: boolean): Workers {
  return {
    prefill: { layout: prefill.layout, workers: prefill.workers! },
    decode: { layout: decode.layout, workers: decode.workers! },
    imputed,
  };
}

function keyOf(row: Disaggregated): string {
  const { accelerator, engine, precision, promptTokens, outputTokens, concurrency } = row;
  // DeepSeek-R1 and -V3 are one architecture, and the same measurement stands under both names.
  const model = row.modelPath.replace(/^.*DeepSeek-(R1|V3).*$/, 'DeepSeek-V3');
  return [model, accelerator, engine, precision, promptTokens, outputTokens, concurrency, measuredOn(row)].join('|');
}

function sameWorkers(a: Disaggregated, b: Disaggregated): boolean {
  const of = ({ prefill, decode }: Disaggregated['deployment']): string => JSON.stringify([prefill, decode]);
  return of(a.deployment) === of(b.deployment);
}

/** Unlabelled rows write all devices of an engine as its tensor parallelism; whether attention is data-parallel, the like one tells. */
function likened(pool: Pool, like: Pool): { layout: Layout; workers: number } {
  const { devices } = pool.layout;
  const ranks = like.layout.dataParallel > 1 ? devices : 1;
  const layout = { devices, tensorParallel: devices / ranks, dataParallel: ranks, expertParallel: devices };
  return { layout, workers: like.workers! };
}
