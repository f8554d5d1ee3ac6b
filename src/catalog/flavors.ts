/** A kind of node that a pool can be made of. */
export interface NodeFlavor {
  readonly id: string;
  /** The accelerator's id in the catalogue; `cpu` for a node without any. */
  readonly accelerator: string;
  /** Accelerators on the node; 0 for a CPU node. */
  readonly accelerators: number;
  /** Virtual cores. */
  readonly cpu: number;
  readonly memoryGiB: number;
  readonly source: string;
}

export const NODE_FLAVORS: readonly NodeFlavor[] = [
  {
    id: 'snt9b-8',
    accelerator: 'ascend-910b',
    accelerators: 8,
    cpu: 192,
    memoryGiB: 1536,
    source: 'Atlas 800T A2: 8 NPUs, 4 x 48-core Kunpeng, 1.5 TiB',
  },
  {
    id: 'h100-8',
    accelerator: 'h100',
    accelerators: 8,
    cpu: 192,
    memoryGiB: 2048,
    source: 'DGX H100 class: 8 GPUs, 2 x 48 cores with two threads, 2 TiB',
  },
  {
    id: 'cpu-64',
    accelerator: 'cpu',
    accelerators: 0,
    cpu: 64,
    memoryGiB: 256,
    source: 'assumed: a two-socket x86 server',
  },
];
