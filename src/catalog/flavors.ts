import type { Accelerator } from './accelerators.ts';

/** A kind of node that a pool can be made of. */
export interface NodeFlavor {
  readonly id: string;
  /** The accelerator's id in the catalogue; `cpu` for a node without any. */
  readonly accelerator: string;
  /** The accelerator itself, where a scenario brings its own. */
  readonly device?: Accelerator;
  /** Accelerators on the node; 0 for a CPU node. */
  readonly accelerators: number;
  /** Virtual cores. */
  readonly cpu: number;
  readonly memoryGiB: number;
  readonly source: string;
}

function row(
  id: string,
  accelerator: string,
  accelerators: number,
  cpu: number,
  memoryGiB: number,
  source: string,
): NodeFlavor {
  return { id, accelerator, accelerators, cpu, memoryGiB, source };
}

/** What is usual where a maker sells no complete node. */
const ASSUMED = 'assumed: a two-socket server as such cards are sold in';

export const NODE_FLAVORS: readonly NodeFlavor[] = [
  row('snt9b-8', 'ascend-910b', 8, 192, 1536, 'Atlas 800T A2: 8 NPUs, 4 x 48-core Kunpeng, 1.5 TiB'),
  row('snt9b3-8', 'ascend-910b3', 8, 192, 1536, 'Atlas 800T A2 with the "313T" part'),
  row('snt9b4-8', 'ascend-910b4', 8, 192, 1024, 'Atlas 800I A2 with the "280T" part, 1 TiB'),
  row('snt9c-16', 'ascend-910c', 16, 320, 2048, 'Atlas 800T A3: 8 packages of two dies, 4 x 80-core Kunpeng, 2 TiB'),
  row('snt9-8', 'ascend-910', 8, 192, 768, 'Atlas 800-9000: 8 NPUs, 4 x 48-core Kunpeng, 768 GiB'),
  row('snt3p-8', 'ascend-310p', 8, 96, 256, ASSUMED),
  row('h100-8', 'h100', 8, 192, 2048, 'DGX H100 class: 8 GPUs, 2 x 48 cores with two threads, 2 TiB'),
  row('h200-8', 'h200', 8, 192, 2048, 'DGX H200 class: as the DGX H100'),
  row('h800-8', 'h800', 8, 192, 2048, 'HGX H800 class: as the DGX H100'),
  row('h20-8', 'h20', 8, 192, 2048, 'HGX H20 class: as the DGX H100'),
  row('a100-8', 'a100', 8, 256, 2048, 'DGX A100 80 GB: 8 GPUs, 2 x 64 cores with two threads, 2 TiB'),
  row('a100-4', 'a100', 4, 128, 1024, 'half a DGX A100 80 GB'),
  row('b200-8', 'b200', 8, 224, 2048, 'DGX B200: 8 GPUs, 2 x 56 cores with two threads, 2 TiB'),
  row('b300-8', 'b300', 8, 224, 2048, 'DGX B300 class: as the DGX B200'),
  row('gb200-4', 'gb200', 4, 144, 960, 'GB200 NVL72 compute tray: 4 GPUs, 2 Grace of 72 cores and 480 GB'),
  row('gb300-4', 'gb300', 4, 144, 960, 'GB300 NVL72 compute tray: as the GB200'),
  row('l40s-8', 'l40s', 8, 128, 1024, ASSUMED),
  row('rtx-pro-6000-8', 'rtx-pro-6000', 8, 192, 1024, ASSUMED),
  row('rtx-4090-8', 'rtx-4090', 8, 128, 512, ASSUMED),
  row('mi300x-8', 'mi300x', 8, 192, 2048, ASSUMED),
  row('t4-4', 't4', 4, 64, 256, ASSUMED),
  row('cpu-64', 'cpu', 0, 64, 256, 'assumed: a two-socket x86 server'),
];

const HCCS_MESH = 'eight NPUs joined by HCCS (MindCluster, affinity scheduling)';
const NVSWITCH = 'an NVSwitch joins all GPUs of the node';
const PCIE = 'PCIe cards without a link of their own';

/**
 * How many neighbouring accelerators of a node share a fast link (HCCS, NVLink), so that a collective need not leave
 * it: 1 where cards have PCIe alone.
 */
const RING_SIZES: Readonly<Record<string, { readonly devices: number; readonly source: string }>> = {
  'ascend-910': {
    devices: 4,
    source: 'two HCCS rings of four, PCIe between them (MindCluster, affinity of Atlas training products; CCE)',
  },
  'ascend-910b': { devices: 8, source: HCCS_MESH },
  'ascend-910b3': { devices: 8, source: HCCS_MESH },
  'ascend-910b4': { devices: 8, source: HCCS_MESH },
  'ascend-910c': { devices: 16, source: 'eight modules of two dies joined by HCCS (MindCluster, Atlas 800T A3)' },
  'ascend-910c-560t': { devices: 16, source: 'as the ascend-910c' },
  'atlas-350': { devices: 1, source: `assumed: ${PCIE}` },
  'ascend-310p': { devices: 1, source: PCIE },
  'ascend-310': { devices: 1, source: PCIE },
  h100: { devices: 8, source: NVSWITCH },
  h200: { devices: 8, source: NVSWITCH },
  h800: { devices: 8, source: NVSWITCH },
  h20: { devices: 8, source: NVSWITCH },
  'h20-3e': { devices: 8, source: NVSWITCH },
  a100: { devices: 8, source: NVSWITCH },
  'a100-40': { devices: 8, source: NVSWITCH },
  'a100-pcie': { devices: 1, source: `assumed: ${PCIE}, without NVLink bridges` },
  a10: { devices: 1, source: PCIE },
  l40s: { devices: 1, source: PCIE },
  l4: { devices: 1, source: PCIE },
  'rtx-4090': { devices: 1, source: PCIE },
  'rtx-pro-6000': { devices: 1, source: PCIE },
  b200: { devices: 8, source: NVSWITCH },
  b300: { devices: 8, source: NVSWITCH },
  gb200: { devices: 4, source: 'the GPUs of a compute tray; the NVLink switches of the rack join the trays' },
  gb300: { devices: 4, source: 'as the gb200' },
  mi300x: { devices: 8, source: 'Infinity Fabric joins each with each of the eight' },
  t4: { devices: 1, source: PCIE },
  p4: { devices: 1, source: PCIE },
};

/** How many accelerators make a ring on nodes of a flavor; all of them, assumed, where the table has no row. */
export function ringSize({ accelerator, accelerators }: NodeFlavor): number {
  return Math.max(1, Math.min(accelerators, RING_SIZES[accelerator]?.devices ?? accelerators));
}
