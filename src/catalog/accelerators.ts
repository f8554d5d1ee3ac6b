import { GIB } from './units.ts';

/**
 * A compute device as its maker or a calibrated simulator states it: dense peaks, not sparse ones.
 * Rates are per device and second.
 */
export interface Accelerator {
  readonly id: string;
  /** The platform's name for it, where it has one. */
  readonly platformName?: string;
  /** What measurement tables and other tools call it. */
  readonly aliases?: readonly string[];
  readonly kind: 'npu' | 'gpu' | 'cpu';
  /** The line of chips that it belongs to: what is fitted on one device says most about those of its own line. */
  readonly generation: Generation;
  /** bf16 floating-point operations per second; fp16 where there is no bf16. */
  readonly flops: number;
  /** The same in narrower operands; absent where the device does not have them. */
  readonly fp8Flops?: number;
  readonly fp4Flops?: number;
  readonly int8Ops?: number;
  /** Memory in bytes that one device brings; for a CPU the memory is the node's. */
  readonly memoryBytes: number;
  /** Memory bandwidth, bytes per second. */
  readonly memoryBandwidth: number;
  /** One-directional bandwidth to the other devices of the node, bytes per second. */
  readonly linkBandwidth: number;
  /** One-directional bandwidth to other nodes, bytes per second, and what a message takes besides, microseconds. */
  readonly networkBandwidth?: number;
  readonly networkMicros?: number;
  /** Of the node's processors. */
  readonly architecture: 'arm' | 'x86';
  readonly source: string;
}

export type Generation =
  | 'hopper'
  | 'blackwell'
  | 'ada'
  | 'ampere'
  | 'turing'
  | 'pascal'
  | 'cdna'
  | 'ascend'
  | 'cpu'
  | 'other';

const MIB = 2 ** 20;
const TIB = 2 ** 40;

const AIC = (system: string): string => `ai-dynamo/aiconfigurator systems/${system}.yaml @095f58a5`;
const MS = (part: string): string => `Ascend/msmodeling tensor_cast/device.py @84fec853, ${part}`;

/** Rates of a row in TFLOP/s or TOPS: bf16, fp8, int8, fp4; 0 for none. */
function peaks(bf16: number, fp8: number, int8: number, fp4 = 0) {
  return {
    flops: bf16 * 1e12,
    ...(fp8 > 0 ? { fp8Flops: fp8 * 1e12 } : {}),
    ...(int8 > 0 ? { int8Ops: int8 * 1e12 } : {}),
    ...(fp4 > 0 ? { fp4Flops: fp4 * 1e12 } : {}),
  };
}

/** Bytes, and bytes per second of memory and of the link to the node's other devices (TB/s, GB/s). */
function memory(bytes: number, terabytes: number, linkGigabytes: number) {
  return { memoryBytes: bytes, memoryBandwidth: terabytes * 1e12, linkBandwidth: linkGigabytes * 1e9 };
}

/** To other nodes: GB/s of one device's share of the node's adapters, and microseconds of a message. */
function network(gigabytes: number, micros = AIC_MESSAGE_MICROS) {
  return { networkBandwidth: gigabytes * 1e9, networkMicros: micros };
}

/**
 * Of every system of aiconfigurator (node.p2p_latency). The GPUs have its inter_node_bw: InfiniBand of 400 Gb/s for each
 * of a DGX H100, 200 of a DGX A100, 800 of a DGX B200. B300, GB300 and MI300X as their likes, from memory.
 */
const AIC_MESSAGE_MICROS = 10;

/** One 100 Gb/s adapter: assumed where nobody states what a device has to other nodes. */
const ASSUMED_NETWORK = network(12.5);

/** What is between a device and those of other nodes. */
export function networkOf(device: Accelerator): { readonly bandwidth: number; readonly micros: number } {
  const { networkBandwidth, networkMicros } = { ...ASSUMED_NETWORK, ...device };
  return { bandwidth: networkBandwidth, micros: networkMicros };
}

const hopper = { kind: 'gpu', generation: 'hopper', architecture: 'x86' } as const;
const blackwell = { kind: 'gpu', generation: 'blackwell', architecture: 'x86' } as const;
const ampere = { kind: 'gpu', generation: 'ampere', architecture: 'x86' } as const;
const ada = { kind: 'gpu', generation: 'ada', architecture: 'x86' } as const;
const ascend = { kind: 'npu', generation: 'ascend', architecture: 'arm' } as const;

/** msmodeling gives the 910B and 910C 1.6 TiB/s; specification pages 1.6 TB/s, a tenth less. */
const ASCEND_TB = (1.6 * TIB) / 1e12;

/** RoCE of 200 Gb/s for each NPU of an Atlas 800 A2, the Clos of an A3 supernode: msmodeling's A2_ and A3_INTERCONNECT. */
const ROCE_A2 = network(25, 1.5);
const SUPERNODE_A3 = network(196, 5.5);
/** The nodes of a rack are one NVLink domain (aiconfigurator's inter_node_bw of the gb200). */
const NVL72 = network(900);

/** In a 910C package two dies share a card; a die is what is scheduled as one NPU, and what a row here is. */
export const ACCELERATORS: readonly Accelerator[] = [
  {
    id: 'ascend-910b',
    platformName: 'Snt9b',
    aliases: ['910b', 'ascend-910b-376t'],
    ...ascend,
    ...peaks(353.9, 0, 752),
    ...memory(64 * GIB, ASCEND_TB, 196),
    ...ROCE_A2,
    source: MS('the "376T" part (A2)'),
  },
  {
    id: 'ascend-910b3',
    aliases: ['910b3', 'ascend-910b-313t'],
    ...ascend,
    ...peaks(294.9, 0, 626),
    ...memory(64 * GIB, ASCEND_TB, 196),
    ...ROCE_A2,
    source: MS('the "313T" part (A2, B3)'),
  },
  {
    id: 'ascend-910b4',
    aliases: ['910b4', 'ascend-910b-280t'],
    ...ascend,
    ...peaks(245.8, 0, 560),
    ...memory(64 * GIB, ASCEND_TB, 196),
    ...ROCE_A2,
    source: MS('the "280T" part (A2, B4) with 64 GiB'),
  },
  {
    id: 'ascend-910c',
    platformName: 'Snt9c',
    aliases: ['910c', 'ascend-910c-752t'],
    ...ascend,
    ...peaks(353.9, 0, 752),
    ...memory(64 * GIB, ASCEND_TB, 196),
    ...SUPERNODE_A3,
    source: MS('the "752T" part (A3), one die of two'),
  },
  {
    id: 'ascend-910c-560t',
    ...ascend,
    ...peaks(245.8, 0, 560),
    ...memory(64 * GIB, ASCEND_TB, 196),
    ...SUPERNODE_A3,
    source: MS('the "560T" part (A3), one die of two'),
  },
  {
    id: 'ascend-910',
    platformName: 'Snt9',
    aliases: ['910', '910a'],
    ...ascend,
    ...peaks(256, 0, 512),
    ...memory(32e9, 1.2, 90),
    ...network(12.5),
    source: 'specification listings; HCCS 3 x 30 GB/s from memory of the datasheet',
  },
  {
    id: 'atlas-350',
    ...ascend,
    ...peaks(378, 756, 756, 1_512),
    ...memory(112 * GIB, (1.4 * TIB) / 1e12, 159),
    source: MS('the A5 part "425T" with 112 GiB, UB 3 x 53 GB/s'),
  },
  {
    id: 'ascend-310p',
    platformName: 'Snt3P',
    aliases: ['310p'],
    ...ascend,
    ...peaks(70, 0, 140),
    ...memory(24e9, 0.204, 16),
    source: 'from memory of the Atlas 300I datasheet; sources disagree, verify before relying on it',
  },
  {
    id: 'ascend-310',
    platformName: 'Snt3',
    aliases: ['310'],
    ...ascend,
    ...peaks(8, 0, 16),
    ...memory(8e9, 0.05, 16),
    source: 'specification listings; bandwidth from memory of the datasheet',
  },
  {
    id: 'h100',
    aliases: ['h100_sxm', 'h100-sxm'],
    ...hopper,
    ...peaks(989, 1_978, 1_978),
    ...memory(80 * GIB, 3.35, 450),
    ...network(50),
    source: AIC('h100_sxm'),
  },
  {
    id: 'h200',
    aliases: ['h200_sxm', 'h200-sxm'],
    ...hopper,
    ...peaks(989, 1_978, 1_978),
    ...memory(141 * GIB, 4.8, 450),
    ...network(50),
    source: AIC('h200_sxm'),
  },
  {
    id: 'h800',
    aliases: ['h800_sxm'],
    ...hopper,
    ...peaks(989, 1_979, 1_979),
    ...memory(80e9, 3.35, 200),
    ...network(50),
    source: 'InferSim hardware/gpu.py @f2293dab, with the bandwidth of the H100',
  },
  {
    id: 'h20',
    aliases: ['h20_sxm'],
    ...hopper,
    ...peaks(148, 296, 296),
    ...memory(96e9, 4.0, 450),
    ...network(50),
    source: 'InferSim hardware/gpu.py @f2293dab',
  },
  {
    id: 'h20-3e',
    ...hopper,
    ...peaks(148, 296, 296),
    ...memory(141e9, 4.0, 450),
    ...network(50),
    source: 'InferSim hardware/gpu.py @f2293dab, the part with 141 GB; its bandwidth taken as that of the H20',
  },
  {
    id: 'a100',
    aliases: ['a100_sxm', 'a100-sxm-80gb'],
    ...ampere,
    ...peaks(312, 0, 624),
    ...memory(80 * GIB, 2.039, 300),
    ...network(25),
    source: AIC('a100_sxm'),
  },
  {
    id: 'a100-pcie',
    aliases: ['a100_pcie'],
    ...ampere,
    ...peaks(312, 0, 624),
    ...memory(80 * GIB, 1.935, 32),
    ...network(25),
    source: AIC('a100_pcie'),
  },
  {
    id: 'a100-40',
    aliases: ['a100-sxm-40gb'],
    ...ampere,
    ...peaks(312, 0, 624),
    ...memory(40e9, 1.555, 300),
    ...network(25),
    source: 'NVIDIA A100 specification listing',
  },
  {
    id: 'a10',
    ...ampere,
    ...peaks(125, 0, 250),
    ...memory(24e9, 0.6, 32),
    source: 'NVIDIA A10 specification listing; rates from memory of the datasheet',
  },
  {
    id: 'l40s',
    ...ada,
    ...peaks(362, 733, 733),
    ...memory(46_068 * MIB, 0.864, 32),
    ...network(50),
    source: AIC('l40s'),
  },
  { id: 'l4', ...ada, ...peaks(121, 242, 242), ...memory(24 * GIB, 0.3, 32), ...network(25), source: AIC('l4') },
  {
    id: 'rtx-4090',
    aliases: ['rtx4090', 'rtx_4090', '4090'],
    ...ada,
    ...peaks(165, 330, 661),
    ...memory(24e9, 1.008, 32),
    source: 'from memory of the NVIDIA Ada datasheet: verify',
  },
  {
    id: 'rtx-pro-6000',
    aliases: ['rtx_pro_6000', 'rtxpro6000', 'rtx_pro_6000_server'],
    ...blackwell,
    ...peaks(467.8, 935.6, 935.6, 1_871.2),
    ...memory(97_887 * MIB, 1.792, 64),
    ...network(50),
    source: AIC('rtx_pro_6000_server'),
  },
  {
    id: 'b200',
    aliases: ['b200_sxm', 'b200-sxm'],
    ...blackwell,
    ...peaks(2_250, 4_500, 4_500, 9_000),
    ...memory(180 * GIB, 7.7, 900),
    ...network(100),
    source: AIC('b200_sxm'),
  },
  {
    id: 'b300',
    aliases: ['b300_sxm', 'b300-sxm'],
    ...blackwell,
    ...peaks(2_250, 4_500, 0, 14_000),
    ...memory(275_040 * MIB, 7.75, 900),
    ...network(100),
    source: AIC('b300_sxm'),
  },
  {
    id: 'gb200',
    ...blackwell,
    architecture: 'arm',
    ...peaks(2_500, 5_000, 5_000, 10_000),
    ...memory(189_471 * MIB, 8.0, 900),
    ...NVL72,
    source: AIC('gb200'),
  },
  {
    id: 'gb300',
    ...blackwell,
    architecture: 'arm',
    ...peaks(2_500, 5_000, 0, 15_000),
    ...memory(284_208 * MIB, 8.0, 900),
    ...NVL72,
    source: AIC('gb300'),
  },
  {
    id: 't4',
    kind: 'gpu',
    generation: 'turing',
    architecture: 'x86',
    ...peaks(65.1, 0, 130.3),
    ...memory(16e9, 0.32, 16),
    source: 'NVIDIA T4 specification listing (fp16: it has no bf16)',
  },
  {
    id: 'p4',
    kind: 'gpu',
    generation: 'pascal',
    architecture: 'x86',
    ...peaks(5.44, 0, 21.8),
    ...memory(8e9, 0.192, 16),
    source: 'NVIDIA P4 specification listing (fp32: its fp16 is 0.09 TFLOP/s); bandwidth from memory of the datasheet',
  },
  {
    id: 'mi300x',
    kind: 'gpu',
    generation: 'cdna',
    architecture: 'x86',
    ...peaks(1_307, 2_615, 2_615),
    ...memory(192e9, 5.3, 448),
    ...network(50),
    source: 'from memory of the AMD datasheet; agrees with a secondary listing',
  },
  {
    id: 'cpu',
    kind: 'cpu',
    generation: 'cpu',
    architecture: 'x86',
    ...peaks(6.5, 0, 0),
    ...memory(0, 0.307, 0),
    source: 'assumed: 64 cores x 2.0 GHz x 2 AVX-512 units x 32 bf16 operations, of which 0.8; 8 channels DDR5-4800',
  },
];
