/**
 * The catalogue: facts about accelerators, models and node flavors, each with its source. Tables that a domain
 * expert corrects without reading an algorithm; no behaviour lives here beyond looking a name up.
 */
import { ACCELERATORS, type Accelerator } from './accelerators.ts';
import { EFFICIENCIES, type Efficiency } from './efficiencies.ts';
import { NODE_FLAVORS, type NodeFlavor } from './flavors.ts';
import { MODELS, type Model } from './models.ts';

export type { Accelerator, Efficiency, Model, NodeFlavor };
export { ACCELERATORS, MODELS, NODE_FLAVORS };

function lookUp<Row>(rows: readonly Row[], what: string, matches: (row: Row) => boolean): Row {
  const row = rows.find(matches);
  if (row === undefined) throw new Error(`No ${what} in the catalogue; scenario validation lets no such name pass`);
  return row;
}

export function accelerator(id: string): Accelerator {
  return lookUp(ACCELERATORS, `accelerator ${id}`, (row) => row.id === id);
}

export function model(id: string): Model {
  return lookUp(MODELS, `model ${id}`, (row) => row.id === id);
}

export function nodeFlavor(id: string): NodeFlavor {
  return lookUp(NODE_FLAVORS, `node flavor ${id}`, (row) => row.id === id);
}

export function efficiency(acceleratorId: string): Efficiency {
  return lookUp(EFFICIENCIES, `efficiency for ${acceleratorId}`, (row) => row.accelerator === acceleratorId);
}
