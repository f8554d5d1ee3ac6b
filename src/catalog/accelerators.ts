/**
 * A compute device as its maker or a calibrated simulator states it: dense peaks, not sparse ones.
 * Rates are per device and second.
 */
export interface Accelerator {
  readonly id: string;
  /** The platform's name for it, where it has one. */
  readonly platformName?: string;
  readonly kind: 'npu' | 'gpu' | 'cpu';
  /** bf16 floating-point operations per second. */
  readonly flops: number;
  /** Memory in bytes that one device brings; for a CPU the memory is the node's. */
  readonly memoryBytes: number;
  /** Memory bandwidth, bytes per second. */
  readonly memoryBandwidth: number;
  /** One-directional bandwidth to the other devices of the node, bytes per second. */
  readonly linkBandwidth: number;
  readonly architecture: 'arm' | 'x86';
  readonly source: string;
}

const GIB = 2 ** 30;
const TIB = 2 ** 40;

export const ACCELERATORS: readonly Accelerator[] = [
  {
    id: 'ascend-910b',
    platformName: 'Snt9b',
    kind: 'npu',
    flops: 353.9e12,
    memoryBytes: 64 * GIB,
    memoryBandwidth: 1.6 * TIB,
    linkBandwidth: 196e9,
    architecture: 'arm',
    source: 'Ascend/msmodeling tensor_cast/device.py @84fec853, the "376T" part (A2)',
  },
  {
    id: 'h100',
    kind: 'gpu',
    flops: 989e12,
    memoryBytes: 80 * GIB,
    memoryBandwidth: 3.35e12,
    linkBandwidth: 450e9,
    architecture: 'x86',
    source: 'ai-dynamo/aiconfigurator systems/h100_sxm.yaml @095f58a5',
  },
  {
    id: 'cpu',
    kind: 'cpu',
    flops: 6.5e12,
    memoryBytes: 0,
    memoryBandwidth: 307e9,
    linkBandwidth: 0,
    architecture: 'x86',
    source: 'assumed: 64 cores x 2.0 GHz x 2 AVX-512 units x 32 bf16 operations, of which 0.8; 8 channels DDR5-4800',
  },
];
