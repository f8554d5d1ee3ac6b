import { findAccelerator, findModel, type ModelFamily } from '../../catalog/index.ts';
import type { Comparison } from '../figures.ts';
import { closedLoop } from '../harness/closed-loop.ts';
import { disaggregated } from '../harness/disaggregated.ts';
import { closedLoopRequests, disaggregatedRequests, drawRequests } from '../harness/load.ts';
import { type EngineSetup, engineSetup, type SetupAsk, transferLink } from '../setups.ts';
import { speculating } from '../tables/campaigns.ts';
import type { Layout } from '../tables/layout.ts';
import type { SiliconRow } from '../tables/silicon.ts';
import { clientsOf, WorkerCounts, type Workers } from '../tables/workers.ts';

/** Names of the silicon table's sums. */
export const TAG = {
  dense: 'dense co-located',
  experts: 'MoE co-located',
  disaggregated: 'disaggregated',
  counted: 'disaggregated with worker counts',
  unsaturated: 'dense co-located below saturation',
} as const;

/**
 * Decoding sequences wait for nobody below saturation: half of what the answer takes to decode is the most that its
 * first token may take.
 */
const SATURATION = 0.5;

interface Prediction {
  readonly ttftMs: number;
  readonly tpotMs: number;
  readonly evidence: Pick<Comparison, 'tier' | 'heldOut'>;
}

/**
 * Replays every row of a silicon table and compares. Rows of one configuration under one load are simulated once.
 * @param table its name in the figures
 * @param labelled rows to learn worker counts from where `rows` leave them out
 */
export function evaluateSilicon(
  table: string,
  rows: readonly SiliconRow[],
  labelled: readonly SiliconRow[],
  progress: () => void = () => {},
): Comparison[] {
  const workers = new WorkerCounts(labelled);
  const seen = new Map<string, Prediction>();
  return rows.map((row) => {
    const comparison = compare(table, row, workers, seen);
    progress();
    return comparison;
  });
}

function compare(table: string, row: SiliconRow, counts: WorkerCounts, seen: Map<string, Prediction>): Comparison {
  const { deployment, ttftMs, tpotMs } = row;
  const model = findModel(row.modelPath);
  const accelerator = findAccelerator(row.accelerator);
  const names = [accelerator?.id ?? row.accelerator, row.engine, row.precision, model?.id ?? row.modelPath];
  const group = [...names, deployment.mode].join(' ');
  const measured = { ttft: ttftMs, tpot: tpotMs };
  const base = { table, group, id: row.id, measured };
  if (model === undefined || accelerator === undefined) {
    const unknown = 'the catalogue has no such model or accelerator';
    return { ...base, tier: 'unsupported', predicted: {}, unknown, tags: [] };
  }
  const workers = counts.of(row);
  const tags = tagsOf(row, model.family, workers);
  if (deployment.mode === 'disagg' && workers === undefined) {
    const unknown = 'worker counts not in the table, and no labelled row to take them from';
    return { ...base, tier: 'unsupported', predicted: {}, unknown, tags };
  }
  const mtp = speculating(row, model.id);
  const ask: SetupAsk = {
    model,
    accelerator,
    row,
    speculative: mtp === 'always',
  };
  const key = keyOf(ask, workers);
  const prediction = seen.get(key) ?? simulate(ask, workers);
  seen.set(key, prediction);
  const unknown = unknownOf(row, workers, mtp === 'unlabelled');
  return {
    ...base,
    ...prediction.evidence,
    predicted: { ttft: prediction.ttftMs, tpot: prediction.tpotMs },
    tags,
    ...(unknown === undefined ? {} : { unknown }),
  };
}

function simulate(ask: SetupAsk, workers: Workers | undefined): Prediction {
  const { deployment } = ask.row;
  if (deployment.mode !== 'agg') return apart(ask, workers!);
  const { layout } = deployment;
  const { devices } = layout;
  // No dense layer is spread over racks: such engines have data-parallel attention and experts over all devices.
  const spread = { devices, tensorParallel: 1, dataParallel: devices, expertParallel: devices };
  return coLocated(ask, isMislabelled(ask.row, layout) ? spread : layout);
}

function coLocated(ask: SetupAsk, layout: Layout): Prediction {
  const { row } = ask;
  const clients = clientsOf(row);
  const setup = engineSetup(ask, layout, clients);
  const requests = drawRequests(closedLoopRequests(clients), row.promptTokens, row.outputTokens, row.shortest);
  const { ttftMs, tpotMs } = closedLoop(setup.spec, { clients, requests, frontEndMs: setup.frontEndMs });
  return { ttftMs, tpotMs, evidence: setup.evidence };
}

/** Alike engines under an even load: a share of the clients on a share of the engines says the same, sooner. */
function apart(ask: SetupAsk, { prefill, decode }: Workers): Prediction {
  const { row } = ask;
  const all = clientsOf(row);
  const parts = Math.min(greatestCommonDivisor(prefill.workers, decode.workers), all);
  const clients = Math.max(1, Math.round(all / parts));
  const prefillSetup: EngineSetup = engineSetup(ask, prefill.layout, clients, 'prefill');
  const decodeSetup: EngineSetup = engineSetup(ask, decode.layout, clients, 'decode');
  const requests = drawRequests(disaggregatedRequests(clients), row.promptTokens, row.outputTokens, row.shortest);
  const { ttftMs, tpotMs } = disaggregated(
    {
      prefill: prefillSetup.spec,
      prefillEngines: prefill.workers / parts,
      decode: decodeSetup.spec,
      decodeEngines: decode.workers / parts,
      link: transferLink(prefill.layout),
      kvBytesPerToken: prefillSetup.kvBytesPerToken,
      firstToken: 'decode',
      frontEndMs: prefillSetup.frontEndMs,
    },
    { requests, arrivals: { clients } },
  );
  return { ttftMs, tpotMs, evidence: decodeSetup.evidence };
}

function tagsOf(
  { deployment, ttftMs, tpotMs, outputTokens }: SiliconRow,
  family: ModelFamily,
  workers?: Workers,
): string[] {
  if (deployment.mode === 'disagg') {
    return workers?.imputed === false ? [TAG.disaggregated, TAG.counted] : [TAG.disaggregated];
  }
  if (family !== 'dense') return [TAG.experts];
  return ttftMs < SATURATION * outputTokens * tpotMs ? [TAG.dense, TAG.unsaturated] : [TAG.dense];
}

/** Checkpoints whose rows name more clients than their one engine could hold: replicas, whose number nobody wrote down. */
const REPLICAS_UNKNOWN: ReadonlySet<string> = new Set(['nvidia/Qwen3-32B-NVFP4', 'nvidia/DeepSeek-V3.1-NVFP4']);

/** A rack-scale GPU's node has four; a "co-located" engine over more than two nodes is a disaggregated one mislabelled. */
const MISLABELLED_DEVICES = 8;

function isMislabelled({ accelerator }: SiliconRow, { devices }: Layout): boolean {
  return accelerator === 'gb200' && devices > MISLABELLED_DEVICES;
}

function unknownOf(row: SiliconRow, workers: Workers | undefined, speculationUnlabelled: boolean): string | undefined {
  const { deployment } = row;
  if (row.concurrency === undefined) return 'number of clients not in the table';
  if (deployment.mode === 'agg' && isMislabelled(row, deployment.layout)) {
    return 'a disaggregated deployment labelled as co-located';
  }
  if (workers?.imputed === true) return 'worker counts not in the table';
  if (speculationUnlabelled) return 'speculative decoding (MTP) not labelled';
  if (REPLICAS_UNKNOWN.has(row.modelPath)) return 'number of replicas not in the table';
  return undefined;
}

function keyOf({ model, row, speculative }: SetupAsk, workers: Workers | undefined): string {
  const { accelerator, engine, version, precision, promptTokens, outputTokens, shortest, deployment } = row;
  return JSON.stringify([
    [model.id, accelerator, engine, version, precision, promptTokens, outputTokens, shortest, speculative],
    [clientsOf(row), workers ?? deployment],
  ]);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
