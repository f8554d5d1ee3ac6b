import {
  type Accelerator,
  accelerator,
  GIB,
  type Model,
  type ModelConfig,
  model,
  modelOf,
  type NodeFlavor,
  nodeFlavor,
} from '../catalog/index.ts';
import { given } from './given.ts';
import type { Scenario } from './schema.ts';

/** The catalogue with a scenario's own entries before it. */
export interface Catalogue {
  accelerator(id: string): Accelerator;
  model(id: string): Model;
  /** With its accelerator. */
  flavor(id: string): NodeFlavor;
}

const OWN = "the scenario's own";

export function catalogueOf(scenario: Pick<Scenario, 'accelerators' | 'models' | 'flavors'>): Catalogue {
  const accelerators = new Map(scenario.accelerators.map((entry) => [entry.id, acceleratorOf(entry)]));
  const models = new Map(
    scenario.models.map((entry) => [entry.id, modelOf({ source: OWN, ...given(entry) } as ModelConfig)]),
  );
  const flavors = new Map(scenario.flavors.map((entry) => [entry.id, { ...entry, source: entry.source ?? OWN }]));
  return {
    accelerator: (id) => accelerators.get(id) ?? accelerator(id),
    model: (id) => models.get(id) ?? model(id),
    flavor: (id) => {
      const flavor: NodeFlavor = flavors.get(id) ?? nodeFlavor(id);
      const device = accelerators.get(flavor.accelerator);
      return device === undefined ? flavor : { ...flavor, device };
    },
  };
}

function acceleratorOf(entry: Scenario['accelerators'][number]): Accelerator {
  const { id, kind, generation, architecture, bf16Tflops, fp8Tflops, fp4Tflops, int8Tops } = entry;
  return {
    id,
    kind,
    generation: kind === 'cpu' ? 'cpu' : generation,
    flops: bf16Tflops * 1e12,
    ...(fp8Tflops === undefined ? {} : { fp8Flops: fp8Tflops * 1e12 }),
    ...(fp4Tflops === undefined ? {} : { fp4Flops: fp4Tflops * 1e12 }),
    ...(int8Tops === undefined ? {} : { int8Ops: int8Tops * 1e12 }),
    memoryBytes: entry.memoryGiB * GIB,
    memoryBandwidth: entry.memoryTerabytesPerSecond * 1e12,
    linkBandwidth: entry.linkGigabytesPerSecond * 1e9,
    architecture,
    source: entry.source ?? OWN,
  };
}
