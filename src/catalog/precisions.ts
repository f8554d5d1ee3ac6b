import type { Accelerator } from './accelerators.ts';
import type { Model } from './architecture.ts';

/** How a checkpoint is stored and computed, in the names of the engines' options. */
export const PRECISIONS = ['bf16', 'fp8', 'fp4', 'int8', 'int4'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** What keys and values are kept in. */
export const KV_CACHE_TYPES = ['bf16', 'fp8', 'int8'] as const;
export type KvCacheType = (typeof KV_CACHE_TYPES)[number];

/** Operands that a device multiplies. */
type Operand = 'bf16' | 'fp8' | 'fp4' | 'int8';

/** One kind of parameters: bytes of a weight with its scales, and what it is multiplied in. */
export interface Storage {
  readonly bytes: number;
  readonly operand: Operand;
}

/** A model's checkpoint at a precision. Embedding and head stay bf16, as the published checkpoints have it. */
export interface Checkpoint {
  readonly attention: Storage;
  readonly mlp: Storage;
  readonly experts: Storage;
  readonly head: Storage;
  /** Bytes of one cached key or value. */
  readonly kvBytes: number;
}

const BF16: Storage = { bytes: 2, operand: 'bf16' };
/** 4 bits and an 8-bit scale for each 16 (NVFP4); int4 checkpoints group alike (compressed-tensors W4A16). */
const FOUR_BITS = 0.5625;
const KV_BYTES: Readonly<Record<KvCacheType, number>> = { bf16: 2, fp8: 1, int8: 1 };

/**
 * What each precision means for a model: the published checkpoints of the silicon table's rows (fp8 and fp4 keep
 * keys and values in fp8; some fp4 checkpoints leave attention in bf16; int4 is of experts alone where there are any,
 * and multiplied in bf16), and W8A8 as vLLM-Ascend serves it for int8.
 */
export function checkpointOf(model: Model, precision: Precision, kvCacheType?: KvCacheType): Checkpoint {
  const kvBytes =
    kvCacheType === undefined ? (precision === 'fp8' || precision === 'fp4' ? 1 : 2) : KV_BYTES[kvCacheType];
  const all = (storage: Storage): Checkpoint => {
    return { attention: storage, mlp: storage, experts: storage, head: BF16, kvBytes };
  };
  switch (precision) {
    case 'bf16':
      return all(BF16);
    case 'fp8':
      return all({ bytes: 1, operand: 'fp8' });
    case 'int8':
      return all({ bytes: 1, operand: 'int8' });
    case 'fp4': {
      const four: Storage = { bytes: model.fp4?.bytes ?? FOUR_BITS, operand: 'fp4' };
      return model.fp4?.attention === 'bf16' ? { ...all(four), attention: BF16 } : all(four);
    }
    case 'int4': {
      const four: Storage = { bytes: FOUR_BITS, operand: 'bf16' };
      return model.experts === undefined ? all(four) : { ...all(BF16), experts: four };
    }
  }
}

/** Dense peak of a device for an operand; where it has none, that of the next wider one (weights are widened). */
export function peakFlops(device: Accelerator, operand: Operand): number {
  switch (operand) {
    case 'bf16':
      return device.flops;
    case 'int8':
      return device.int8Ops ?? device.flops;
    case 'fp8':
      return device.fp8Flops ?? device.flops;
    case 'fp4':
      return device.fp4Flops ?? device.fp8Flops ?? device.flops;
  }
}
