import type { z } from 'zod';
import { explain, type Problem, problemsOf } from './messages.ts';
import type { DeploymentEntry, Scenario } from './schema.ts';
import type { Ids } from './schema-catalogue.ts';
import { deploymentOf } from './schema-deployment.ts';

type Written = Readonly<Record<string, unknown>>;

/** Deployments as upgrades of the timeline make them, by the entry's place; and what is wrong with them. */
export interface Upgrades {
  readonly entries: ReadonlyMap<number, DeploymentEntry>;
  readonly problems: readonly Problem[];
}

/**
 * Lays what each upgrade sets over its deployment as it is by then: as written in the scenario, or added in the
 * timeline, with the upgrades before it.
 * @param written the scenario as it stands in its file
 */
export function upgradesOf(scenario: Scenario, written: unknown, ids: Ids): Upgrades {
  const schema = deploymentOf(ids);
  const current = writtenDeployments(written);
  const entries = new Map<number, DeploymentEntry>();
  const problems: Problem[] = [];
  const timeline = (written as { timeline?: readonly { spec?: Written; set?: Written }[] }).timeline ?? [];
  for (const index of inOrder(scenario)) {
    const item = scenario.timeline[index]!;
    if (item.do === 'add-deployment') current.set(key(item.service, item.spec.name), timeline[index]!.spec!);
    if (item.do !== 'upgrade') continue;
    const before = current.get(key(item.service, item.deployment));
    // An upgrade of what is not there is told by the checks.
    if (before === undefined) continue;
    const after = laidOver(before, timeline[index]!.set!);
    const result = schema.safeParse(after, { error: explain });
    if (!result.success) {
      const issues = result.error.issues as readonly z.core.$ZodIssue[];
      problems.push(...problemsOf(issues, ['timeline', index, 'set']));
      continue;
    }
    current.set(key(item.service, item.deployment), after);
    entries.set(index, result.data);
  }
  return { entries, problems };
}

/** Entries from `boot` before those from `ready`, each in order of time. */
function inOrder({ timeline }: Scenario): number[] {
  const indices = [...timeline.keys()];
  const rank = (index: number): number => (timeline[index]!.from === 'boot' ? 0 : 1);
  return indices.sort(
    (one, other) => rank(one) - rank(other) || timeline[one]!.at - timeline[other]!.at || one - other,
  );
}

function key(service: string, deployment: string): string {
  return `${service}/${deployment}`;
}

function writtenDeployments(written: unknown): Map<string, Written> {
  const { services } = written as { services: readonly { name: string; deployments: readonly Written[] }[] };
  return new Map(
    services.flatMap(({ name, deployments }) =>
      deployments.map((each) => [key(name, String(each.name)), each] as const),
    ),
  );
}

/** Mappings are merged, units by their names; null takes a field away; anything else replaces what was there. */
function laidOver(under: Written, over: Written): Written {
  const merged: Record<string, unknown> = { ...under };
  for (const [field, value] of Object.entries(over)) {
    const below = merged[field];
    if (value === null) delete merged[field];
    else if (field === 'units' && Array.isArray(value) && Array.isArray(below)) merged[field] = units(below, value);
    else merged[field] = isMapping(value) && isMapping(below) ? laidOver(below, value) : value;
  }
  return merged;
}

function units(under: readonly Written[], over: readonly Written[]): Written[] {
  const merged = [...under];
  for (const unit of over) {
    const index = merged.findIndex((each) => nameOf(each) === nameOf(unit));
    if (index < 0) merged.push(unit);
    else merged[index] = laidOver(merged[index]!, unit);
  }
  return merged;
}

/** A unit without a name is known by its role; a common one by being the only one. */
function nameOf({ name, role }: Written): unknown {
  return name ?? (role === undefined || role === 'common' ? 'role-0' : role);
}

function isMapping(value: unknown): value is Written {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
