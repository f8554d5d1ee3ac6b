import { findAccelerator, findModel, type ModelFamily } from '../../catalog/index.ts';
import type { Comparison } from '../figures.ts';
import { closedLoop } from '../harness/closed-loop.ts';
import { disaggregated } from '../harness/disaggregated.ts';
import { closedLoopRequests, disaggregatedRequests, drawRequests } from '../harness/load.ts';
import { DRAFT_TOKENS, type EngineSetup, engineSetup, type SetupAsk, transferLink } from '../setups.ts';
import { speculating } from '../tables/campaigns.ts';
import type { Deployed, Deployments } from '../tables/deployments.ts';
import type { Layout } from '../tables/layout.ts';
import type { SiliconRow } from '../tables/silicon.ts';
import { clientsOf } from '../tables/workers.ts';

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
 * @param deployments what disaggregated rows were measured on
 */
export function evaluateSilicon(
  table: string,
  rows: readonly SiliconRow[],
  deployments: Deployments,
  progress: () => void = () => {},
): Comparison[] {
  const seen = new Map<string, Prediction>();
  return rows.map((row) => {
    const comparison = compare(table, row, deployments, seen);
    progress();
    return comparison;
  });
}

function compare(table: string, row: SiliconRow, deployments: Deployments, seen: Map<string, Prediction>): Comparison {
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
  const deployed = deployments.of(row);
  const tags = tagsOf(row, model.family, deployed);
  if (deployment.mode === 'disagg' && deployed === undefined) {
    const unknown = 'worker counts not in the table, and no labelled row to take them from';
    return { ...base, tier: 'unsupported', predicted: {}, unknown, tags };
  }
  const mtp = speculating(row, model.id);
  const draftTokens = deployed?.draftTokens ?? (mtp === 'always' ? DRAFT_TOKENS : 0);
  const version = row.version === 'none' ? deployed?.version : row.version;
  const ask: SetupAsk = { model, accelerator, row, draftTokens, version };
  const key = keyOf(ask, deployed);
  const prediction = seen.get(key) ?? simulate(ask, deployed);
  seen.set(key, prediction);
  const unknown = unknownOf(row, deployed, mtp === 'unlabelled' && deployed?.draftTokens === undefined);
  return {
    ...base,
    ...prediction.evidence,
    predicted: { ttft: prediction.ttftMs, tpot: prediction.tpotMs },
    tags,
    ...(unknown === undefined ? {} : { unknown }),
  };
}

function simulate(ask: SetupAsk, deployed: Deployed | undefined): Prediction {
  const { deployment } = ask.row;
  if (deployment.mode !== 'agg') return apart(ask, deployed!);
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
function apart(ask: SetupAsk, { prefill, decode }: Deployed): Prediction {
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
  deployed?: Deployed,
): string[] {
  if (deployment.mode === 'disagg') {
    return deployed?.counted === true ? [TAG.disaggregated, TAG.counted] : [TAG.disaggregated];
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

function unknownOf(
  row: SiliconRow,
  deployed: Deployed | undefined,
  speculationUnlabelled: boolean,
): string | undefined {
  const { deployment } = row;
  if (row.concurrency === undefined) return 'number of clients not in the table';
  if (deployment.mode === 'agg' && isMislabelled(row, deployment.layout)) {
    return 'a disaggregated deployment labelled as co-located';
  }
  if (deployed?.inferred !== undefined) return deployed.inferred;
  if (speculationUnlabelled) return 'speculative decoding (MTP) not labelled';
  if (REPLICAS_UNKNOWN.has(row.modelPath)) return 'number of replicas not in the table';
  return undefined;
}

function keyOf({ model, row, draftTokens, version }: SetupAsk, deployed: Deployed | undefined): string {
  const { accelerator, engine, precision, promptTokens, outputTokens, shortest, deployment } = row;
  return JSON.stringify([
    [model.id, accelerator, engine, version, precision, promptTokens, outputTokens, shortest, draftTokens],
    [clientsOf(row), deployed === undefined ? deployment : [deployed.prefill, deployed.decode]],
  ]);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
