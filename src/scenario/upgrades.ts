import { unitName } from './defaults.ts';
import { explain, type Problem, problemsOf } from './messages.ts';
import type { DeploymentEntry } from './schema.ts';
import type { Ids } from './schema-catalogue.ts';
import { deploymentOf } from './schema-deployment.ts';
import type { Path } from './tell.ts';

/** Upgrades say what changes; laid over the deployment as it was written, that makes the whole of what it is to be. */

type Mapping = Readonly<Record<string, unknown>>;

/** Mappings of which another kind has other keys: it comes in place of what there was. */
const BY_KIND: ReadonlySet<string> = new Set(['storage', 'stepTime']);

/** A deployment as a person would have written it after an upgrade. A null takes a field away. */
export function upgraded(written: unknown, set: Mapping): Mapping {
  const base = written as Mapping;
  return laidOver(base, 'units' in set ? { ...set, units: unitsOver(base.units, set.units) } : set);
}

function laidOver(base: Mapping, set: Mapping): Mapping {
  const result = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(set)) {
    const before = result.get(key);
    const replaces =
      BY_KIND.has(key) && isMapping(value) && isMapping(before) && (value.kind ?? before.kind) !== before.kind;
    if (value === null) result.delete(key);
    else result.set(key, isMapping(value) && isMapping(before) && !replaces ? laidOver(before, value) : value);
  }
  return Object.fromEntries(result);
}

/** Units are told apart by their names; one of a new name is a new unit (guide 602). */
function unitsOver(base: unknown, set: unknown): unknown {
  if (!Array.isArray(base) || !Array.isArray(set)) return set;
  const units = [...(base as unknown[])];
  const names = units.map(nameOf);
  for (const [index, unit] of (set as unknown[]).entries()) {
    const place = names.indexOf(nameOf(unit, index));
    if (place < 0 || !isMapping(unit)) units.push(unit);
    else units[place] = laidOver(units[place] as Mapping, unit);
  }
  return units;
}

function nameOf(unit: unknown, index: number): string {
  const { name, role } = (isMapping(unit) ? unit : {}) as { name?: string; role?: 'common' };
  return unitName({ name, role: role ?? 'common' }, index);
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The deployment that was written, read; or what keeps it from being one, at paths below it. */
export function readDeployment(
  written: unknown,
  ids: Ids,
): { readonly entry: DeploymentEntry } | { readonly problems: readonly Problem[] } {
  const { data, error } = deploymentOf(ids).safeParse(written, { error: explain });
  return data === undefined ? { problems: problemsOf(error!.issues) } : { entry: data };
}

/**
 * Where a part of an upgraded deployment is stated in the upgrade.
 * @param path below the deployment @returns the path below `set`, and what it does not cover of the other
 */
export function placeInSet(path: Path, set: Mapping, result: Mapping): { readonly path: Path; readonly beyond: Path } {
  const [list, index, ...rest] = path;
  if (list !== 'units' || typeof index !== 'number')
    return list! in set ? { path, beyond: [] } : { path: [], beyond: path };
  const name = nameOf((result.units as unknown[])[index], index);
  const place = Array.isArray(set.units) ? (set.units as unknown[]).map(nameOf).indexOf(name) : -1;
  return place < 0 ? { path: [], beyond: path } : { path: ['units', place, ...rest], beyond: [] };
}
