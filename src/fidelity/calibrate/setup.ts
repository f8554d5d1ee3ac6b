import {
  type Accelerator,
  type Checkpoint,
  checkpointOf,
  type EngineKind,
  type Model,
  type Precision,
  type StepTimeScalars,
} from '../../catalog/index.ts';
import {
  type BatchingPolicy,
  type EngineSpec,
  kvBytesKept,
  kvCopies,
  RooflineModel,
  weightBytes,
} from '../../engine/index.ts';
import { UserError } from '../../kernel/index.ts';
import { longestOf, type MeasuredPoint } from './points.ts';

/** The engine that was measured, as its person tells. */
export interface CalibrationAsk {
  readonly accelerator: Accelerator;
  readonly model: Model;
  readonly engine: EngineKind;
  readonly version?: string;
  readonly precision: Precision;
  /** Devices, tensor-parallel. */
  readonly parallel: number;
  readonly maxNumSeqs?: number;
  readonly maxNumBatchedTokens?: number;
  /** Tokens of KV cache, as the engine logged it at start. */
  readonly kvTokens?: number;
}

/** Everything but the time of a step. */
export interface CalibrationSetup {
  readonly ask: CalibrationAsk;
  readonly checkpoint: Checkpoint;
  readonly limits: Omit<EngineSpec, 'stepTime'>;
}

/** vLLM's default on smaller devices; more clients than that are let in, as the fits assume. */
const MAX_NUM_SEQS = 256;
/** vLLM's and SGLang's default of servers (docs/step-time-fit.md, 3). */
const MAX_NUM_BATCHED_TOKENS = 8_192;
/** Beside a whole prompt TensorRT-LLM's budget leaves room for the decoding sequences and for short ones. */
const TRTLLM_SPARE = 64;
const BLOCK = 16;
/** Share of the memory that an engine takes by default, and what activations and the runtime take of it. */
const UTILISATION = { sglang: 0.83, other: 0.9 } as const;
const RUNTIME_BYTES = 4e9;
/** MindIE lets prompts go first, as SGLang does. */
const BATCHING: Readonly<Record<EngineKind, BatchingPolicy>> = {
  vllm: 'vllm',
  sglang: 'sglang',
  trtllm: 'trtllm',
  mindie: 'sglang',
};

/** @throws UserError when the model does not fit the devices */
export function calibrationSetup(ask: CalibrationAsk, points: readonly MeasuredPoint[]): CalibrationSetup {
  const { accelerator, model, engine, parallel, precision } = ask;
  const checkpoint = checkpointOf(model, precision);
  const most = (of: (point: MeasuredPoint) => number): number => points.reduce((max, one) => Math.max(max, of(one)), 1);
  const clients = most(({ load }) => (load.kind === 'closed' ? load.clients : 1));
  const longestPrompt = most(({ prompt }) => longestOf(prompt));
  const longest = most(({ prompt, output }) => longestOf(prompt) + longestOf(output));
  const maxNumSeqs = ask.maxNumSeqs ?? Math.max(MAX_NUM_SEQS, clients);
  const share = engine === 'sglang' ? UTILISATION.sglang : UTILISATION.other;
  const cache = parallel * (accelerator.memoryBytes * share - RUNTIME_BYTES) - weightBytes(model, checkpoint);
  const tokens = ask.kvTokens ?? cache / (kvBytesKept(model, checkpoint.kvBytes) * kvCopies(model, parallel));
  const kvBlocks = Math.floor(tokens / BLOCK);
  if (kvBlocks * BLOCK < longest) {
    throw new UserError(
      `the KV cache of ${model.id} in ${precision} on ${parallel} x ${accelerator.id} holds ${Math.max(0, kvBlocks * BLOCK)} tokens, fewer than the longest request of ${longest}; expected --parallel, --precision or --kv-tokens as they were measured`,
    );
  }
  const budget = engine === 'trtllm' ? longestPrompt + TRTLLM_SPARE + maxNumSeqs : MAX_NUM_BATCHED_TOKENS;
  return {
    ask,
    checkpoint,
    limits: {
      maxNumSeqs,
      maxNumBatchedTokens: ask.maxNumBatchedTokens ?? budget,
      blockSize: BLOCK,
      kvBlocks,
      maxModelLen: longest,
      batching: BATCHING[engine],
    },
  };
}

export function engineOf({ ask, checkpoint, limits }: CalibrationSetup, scalars: StepTimeScalars): EngineSpec {
  const { model, accelerator, parallel: devices } = ask;
  return { ...limits, stepTime: new RooflineModel(model, accelerator, scalars, { devices }, checkpoint) };
}
