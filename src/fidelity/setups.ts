import {
  type Accelerator,
  accelerator as acceleratorNamed,
  checkpointOf,
  FIT_GROUPS,
  type FitQuery,
  type Model,
  model as modelNamed,
  type Precision,
  type StepTimeFit,
  stepTimeFit,
} from '../catalog/index.ts';
import {
  type BatchingPolicy,
  type EngineSpec,
  type KvLinkSpec,
  kvBytesKept,
  kvBytesPerToken,
  kvCopies,
  RooflineModel,
  type StepTimeModel,
  weightBytes,
} from '../engine/index.ts';
import type { Comparison } from './figures.ts';
import type { Layout } from './tables/layout.ts';
import type { SiliconRow } from './tables/silicon.ts';

/** What a row's engines are made from. */
export interface SetupAsk {
  readonly model: Model;
  readonly accelerator: Accelerator;
  readonly row: SiliconRow;
  /** Of multi-token prediction; 0 without. */
  readonly draftTokens: number;
  /** The engine's, where anything tells. */
  readonly version: string | undefined;
}

/** An engine as a benchmark met it. */
export interface EngineSetup {
  readonly spec: EngineSpec;
  /** What server and client add to a first token, milliseconds. */
  readonly frontEndMs: (promptTokens: number) => number;
  readonly kvBytesPerToken: number;
  readonly evidence: Pick<Comparison, 'tier' | 'heldOut'>;
}

/** What an engine does in a deployment. */
export type Role = 'whole' | 'prefill' | 'decode';

const BLOCK = 16;
/** Tokeniser, HTTP and first stream, which the fits assume for each prompt token. */
const TOKENISER_MS = 0.002;
/** Memory that activations, graphs and the runtime take of a device. */
const RUNTIME_BYTES = 4e9;
/** Share of the memory that an engine takes: SGLang's `mem_fraction_static`, the others' `gpu_memory_utilization`. */
const UTILISATION = { sglang: 0.83, other: 0.9 } as const;
/** At least this is left for keys and values: a deployment that was measured did run. */
const LEAST_KV_BYTES = 1e9;
/** Tokens a step: vLLM's default for servers; SGLang's chunks, larger on Blackwell. */
const BUDGET = 8_192;
const BUDGET_SGLANG_BLACKWELL = 16_384;
/** Beside a whole prompt TensorRT-LLM's budget leaves room for the decoding sequences and for short ones. */
const TRTLLM_SPARE = 64;
/** What multi-token prediction drafts where nothing else is known; what the fits' tokens a step are of. */
export const DRAFT_TOKENS = 3;
/** Bytes per second and device that keys and values take between engines: a 400 Gb/s adapter each. */
const TRANSFER_PER_DEVICE = 50e9;

/** The engine of a row, with the settings of the harness that measured it. */
export function engineSetup(ask: SetupAsk, layout: Layout, clients: number, role: Role = 'whole'): EngineSetup {
  const { model, accelerator, row, draftTokens } = ask;
  const { scalars, evidence } = fitFor(ask);
  const checkpoint = checkpointOf(model, row.precision);
  const { devices, dataParallel: attentionRanks } = layout;
  const stepTime = new RooflineModel(model, accelerator, scalars, { devices, attentionRanks }, checkpoint);
  const batching = batchingOf(row);
  const longest = row.promptTokens + row.outputTokens;
  const tokens = kvTokens(model, accelerator, row.precision, layout, batching);
  const most = Math.max(tokens, longest + BLOCK);
  const spec: EngineSpec = {
    maxNumSeqs: Math.max(clients, attentionRanks),
    maxNumBatchedTokens:
      role === 'decode' ? Math.max(BUDGET, clients * (1 + DRAFT_TOKENS)) : budgetOf(ask, attentionRanks, clients, role),
    blockSize: BLOCK,
    // More than every client can fill is as good as all there is, and quicker to count.
    kvBlocks: Math.ceil(Math.min(most, clients * (longest + BLOCK)) / BLOCK),
    maxModelLen: longest,
    stepTime,
    batching: role === 'decode' ? 'vllm' : batching,
    ...(draftTokens > 0 && role !== 'prefill'
      ? { speculation: { draftTokens, acceptance: acceptanceFor(scalars.tokensPerStep) } }
      : {}),
  };
  return {
    spec,
    frontEndMs: (promptTokens) => scalars.frontEndMillis + TOKENISER_MS * promptTokens,
    kvBytesPerToken: kvBytesPerToken(model, checkpoint.kvBytes),
    evidence: { tier: evidence.tier, ...(evidence.mape === undefined ? {} : { heldOut: evidence.mape }) },
  };
}

export function transferLink(layout: Layout): KvLinkSpec {
  return { setupMicros: 0, bytesPerSecond: layout.devices * TRANSFER_PER_DEVICE, uploads: 'parallel' };
}

/** The group of the row's own deployment mode where the fit has one: the modes were fitted apart. */
function fitFor({ model, accelerator, row, version }: SetupAsk): StepTimeFit {
  const { engine, precision, deployment } = row;
  const groups = FIT_GROUPS.filter(
    (group) =>
      group.accelerator === accelerator.id &&
      group.engine === engine &&
      group.version === version &&
      group.precision === precision &&
      group.family === model.family &&
      group.mode === deployment.mode,
  );
  const group = groups.find((one) => one.model === model.id) ?? groups.find((one) => one.model === undefined);
  if (group !== undefined) {
    const { n, mape, note } = group;
    return { scalars: group.scalars, evidence: { tier: 'fitted', n, mape, source: note } };
  }
  return stepTimeFit({ accelerator, engine, precision, model, ...(version === undefined ? {} : { version }) });
}

/** SGLang from 0.5.6 on was measured with mixed chunks by the harness of fixed lengths. */
function batchingOf({ engine, version, shortest }: SiliconRow): BatchingPolicy {
  return engine === 'sglang' && shortest === 1 && version >= '0.5.6' ? 'vllm' : engine;
}

/** Each attention rank has a budget of its own; the engine's is their sum. */
function budgetOf({ accelerator, row }: SetupAsk, ranks: number, clients: number, role: Role): number {
  if (row.engine === 'sglang' && accelerator.generation === 'blackwell') return ranks * BUDGET_SGLANG_BLACKWELL;
  if (row.engine !== 'trtllm') return ranks * BUDGET;
  if (role === 'prefill') return ranks * Math.max(BUDGET, row.promptTokens + TRTLLM_SPARE);
  return ranks * (row.promptTokens + TRTLLM_SPARE) + clients;
}

function kvTokens(
  model: Model,
  accelerator: Accelerator,
  precision: Precision,
  { devices, dataParallel, tensorParallel }: Layout,
  engine: BatchingPolicy,
): number {
  const checkpoint = checkpointOf(model, precision);
  const share = engine === 'sglang' ? UTILISATION.sglang : UTILISATION.other;
  const bytes =
    devices * (accelerator.memoryBytes * share - RUNTIME_BYTES) - weightBytes(model, checkpoint, dataParallel);
  return (
    Math.max(bytes, devices * LEAST_KV_BYTES) /
    (kvBytesKept(model, checkpoint.kvBytes) * kvCopies(model, tensorParallel))
  );
}

/** How likely a draft is accepted when a step gives so many tokens: 1 + p + p² + p³. */
function acceptanceFor(tokensPerStep: number): number {
  let low = 0;
  let high = 1;
  for (let round = 0; round < 40; round++) {
    const p = (low + high) / 2;
    if (1 + p + p ** 2 + p ** 3 < tokensPerStep) low = p;
    else high = p;
  }
  return low;
}

/** The lab's front end lets one request in after the other: 1,000 at once take 13 s (docs/step-time-fit.md, 5). */
export const ASCEND_LAB = { frontEndMicros: 13_000 } as const;

/** Engines as the runs logged them, or as the fit of a run assumes. */
const RUNS = {
  rtx: {
    accelerator: 'rtx-pro-6000',
    model: 'llama-3.1-8b',
    devices: 1,
    maxNumSeqs: 128,
    maxNumBatchedTokens: 2_048,
    // 0.9 of the memory less bf16 weights and 3 GB.
    kvTokens: 516_000,
  },
  h100: {
    accelerator: 'h100',
    model: 'llama-3.1-70b',
    devices: 4,
    maxNumSeqs: 1_024,
    maxNumBatchedTokens: 8_192,
    // 0.9 of four devices' memory less weights and 5 GB each.
    kvTokens: 452_000,
  },
  ascend: {
    accelerator: 'ascend-910b',
    model: 'qwen3-8b',
    devices: 1,
    maxNumSeqs: 256,
    maxNumBatchedTokens: 2_048,
    // 23 GB of keys and values, chosen on the rows themselves.
    kvTokens: 156_000,
  },
} as const;

/** The engine of a recorded run or lab, bf16 under vLLM. */
export function runSetup(run: keyof typeof RUNS): EngineSetup {
  const { accelerator, model: modelName, devices, kvTokens: tokens, ...limits } = RUNS[run];
  const model = modelNamed(modelName);
  const device = acceleratorNamed(accelerator);
  const { scalars, evidence } = stepTimeFit({ accelerator: device, engine: 'vllm', precision: 'bf16', model });
  return {
    spec: {
      ...limits,
      blockSize: BLOCK,
      kvBlocks: Math.floor(tokens / BLOCK),
      maxModelLen: model.maxContext,
      stepTime: new RooflineModel(model, device, scalars, { devices }),
    },
    frontEndMs: () => scalars.frontEndMillis,
    kvBytesPerToken: kvBytesPerToken(model),
    evidence: { tier: evidence.tier },
  };
}

/** Step times of a bf16 engine without a queue. */
export function batchSetup(
  model: Model,
  accelerator: Accelerator,
  devices: number,
): { readonly stepTime: StepTimeModel; readonly evidence: Pick<Comparison, 'tier'> } {
  const query: FitQuery = { accelerator, engine: 'vllm', precision: 'bf16', model };
  const { scalars } = stepTimeFit(query);
  return { stepTime: new RooflineModel(model, accelerator, scalars, { devices }), evidence: { tier: 'derived' } };
}
