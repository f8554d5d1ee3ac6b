import { checkKind } from './checks-application.ts';
import { checkDeployment, checkScaling, type Grounds } from './checks-deployment.ts';
import { imageOf, nodePoolOf, unitName } from './defaults.ts';
import type { Problem } from './messages.ts';
import { nodePoolsFor } from './pools.ts';
import type { DeploymentEntry, Scenario, TimelineItem } from './schema.ts';
import { type Ids, idsOf } from './schema-catalogue.ts';
import { NODE_FAULTS } from './schema-timeline.ts';
import { find, type Path, type Tell, unknownNode } from './tell.ts';
import { placeInSet, readDeployment, upgraded } from './upgrades.ts';

/** A deployment as it is at some point of the timeline. */
interface Standing {
  readonly name: string;
  entry: DeploymentEntry;
  /** As a person would have written it. */
  written: unknown;
  /** The most instances that it may have by then. */
  most: number;
  /** Another one of its name may come; what else is asked of it, the platform refuses. */
  deleted: boolean;
}

/** What makes the timeline unsound: entries that strike nothing that is there by then, and upgrades to what cannot be. */
export function checkTimeline(
  scenario: Scenario,
  written: unknown,
  grounds: Grounds,
  problems: Problem[],
): ReadonlyMap<number, DeploymentEntry> {
  const course = new Course(scenario, written, grounds, problems);
  for (const index of inOrder(scenario.timeline)) course.take(index);
  course.checkNames();
  return course.upgrades;
}

/** Entries counted from boot come first; how long it takes until all are ready is not known beforehand. */
function inOrder(timeline: readonly TimelineItem[]): number[] {
  const rank = ({ from }: TimelineItem): number => (from === 'boot' ? 0 : 1);
  const indexes = timeline.map((_, index) => index);
  return indexes.sort((one, other) => {
    const [a, b] = [timeline[one]!, timeline[other]!];
    return rank(a) - rank(b) || a.at - b.at || one - other;
  });
}

/** What an entry may name, whatever its kind. */
interface Named {
  readonly do: string;
  readonly node?: string | undefined;
  readonly service?: string | undefined;
  readonly deployment?: string | undefined;
  readonly instance?: number | undefined;
  readonly unit?: string | undefined;
  readonly replica?: number | undefined;
  readonly pod?: number | undefined;
  readonly chip?: number | undefined;
  readonly pool?: string | undefined;
  readonly rack?: number | undefined;
}

interface WrittenItem {
  readonly spec?: unknown;
  readonly scaling?: unknown;
}

class Course {
  readonly upgrades = new Map<number, DeploymentEntry>();
  readonly #timeline: readonly TimelineItem[];
  readonly #grounds: Grounds;
  readonly #problems: Problem[];
  readonly #ids: Ids;
  readonly #services: readonly { readonly name: string; readonly deployments: Standing[] }[];
  /** Every deployment that there is at any time. */
  readonly #ever: DeploymentEntry[];
  /** The timeline as a person wrote it. */
  readonly #written: readonly WrittenItem[];

  constructor(scenario: Scenario, written: unknown, grounds: Grounds, problems: Problem[]) {
    const as = written as Pick<Scenario, 'services'> & { readonly timeline?: readonly WrittenItem[] };
    this.#written = as.timeline ?? [];
    this.#timeline = scenario.timeline;
    this.#grounds = grounds;
    this.#problems = problems;
    this.#ids = idsOf(written);
    this.#services = scenario.services.map(({ name, deployments }, index) => ({
      name,
      deployments: deployments.map((entry, which) => standing(entry, as.services[index]!.deployments[which])),
    }));
    this.#ever = scenario.services.flatMap(({ deployments }) => deployments);
  }

  /** Checks an entry against what there is by then, and lets it change that. */
  take(index: number): void {
    const item = this.#timeline[index]!;
    const named: Named = item;
    const tell = this.#tellAt(['timeline', index]);
    if (named.pool !== undefined) this.#checkRack(named, tell);
    if (NODE_FAULTS.has(item.do) && !this.#strikesPod(named, tell)) return;
    if (named.service === undefined) return;

    const service = find(this.#services, named.service, 'service', ['service'], tell);
    if (service === undefined) return;
    if (item.do === 'add-deployment') {
      this.#add(service.deployments, index, item.spec);
      return;
    }
    if (item.do === 'delete' && item.deployment === undefined) {
      for (const each of service.deployments) each.deleted = true;
    }
    if (named.deployment === undefined) return;
    const deployment = find(service.deployments, named.deployment, 'deployment', ['deployment'], tell);
    if (deployment === undefined) return;
    if (named.instance !== undefined) checkPod(named, deployment, tell);
    if (item.do === 'upgrade') this.#upgrade(deployment, index, item.set);
    if (item.do === 'delete') deployment.deleted = true;
    // How many instances there are is left to the platform: upgrades that do not name them leave them alone.
    if (item.do === 'scale') deployment.most = Math.max(deployment.most, item.instances);
    if (item.do === 'set-weight') deployment.written = upgraded(deployment.written, { weight: item.weight });
    if (item.do === 'set-mirror') deployment.written = upgraded(deployment.written, { mirror: item.mirror });
    if (item.do === 'set-scaling') {
      const scaling = this.#written[index]!.scaling ?? null;
      deployment.written = upgraded(upgraded(deployment.written, { scaling: null }), { scaling });
      if (item.scaling === undefined) return;
      const pool = this.#grounds.pools.find(({ name }) => name === deployment.entry.pool);
      checkScaling(item.scaling, pool, ['scaling'], tell);
      deployment.most = Math.max(deployment.most, item.scaling.max);
    }
  }

  /** Images and secrets may be struck before whoever needs them is there. */
  checkNames(): void {
    const units = this.#ever.flatMap((deployment) => deployment.units.map((unit) => ({ unit, deployment })));
    const images = units.flatMap(({ unit, deployment }) => {
      const pool = this.#grounds.pools.find(({ name }) => name === deployment.pool);
      const nodePool = pool && nodePoolsFor(pool, nodePoolOf(unit, deployment))[0];
      return nodePool === undefined ? [] : [{ name: imageOf(unit, nodePool.flavor).name }];
    });
    const secrets = this.#ever.flatMap(({ secrets, storageSecret }) => [
      ...secrets.filter(({ kind }) => kind === 'dew'),
      ...(storageSecret === undefined ? [] : [{ name: storageSecret }]),
    ]);
    for (const [index, item] of this.#timeline.entries()) {
      const tell = this.#tellAt(['timeline', index]);
      if (item.do === 'image-missing') find(unique(images), item.image, 'image', ['image'], tell);
      if (item.do === 'delete-secret') find(unique(secrets), item.secret, 'DEW secret', ['secret'], tell);
    }
  }

  /** A node fault that names a pod; one that names its node is done with. */
  #strikesPod(named: Named, tell: Tell): boolean {
    const { node, service, deployment, instance } = named;
    if (node === undefined) {
      const whole = service !== undefined && deployment !== undefined && instance !== undefined;
      if (!whole)
        tell(['node'], 'missing; expected a "node", or "service", "deployment" and "instance" of a pod on it');
      return whole;
    }
    if (service !== undefined) tell(['service'], 'a pod beside a node; expected one of these');
    const nodes = this.#grounds.pools.flatMap((pool) => (pool.name === pool.entry.name ? pool.nodes : []));
    const found = nodes.find(({ name }) => name === node);
    if (found === undefined) {
      const known = nodes.map(({ name }) => name);
      tell(['node'], unknownNode(node, known));
      return false;
    }
    checkChip(named, found.nodePool.flavor.accelerators, `node "${node}"`, tell);
    return false;
  }

  /** Plugins and racks are those of physical pools. */
  #checkRack({ pool: name, rack }: Named, tell: Tell): void {
    const physical = this.#grounds.pools.filter((pool) => pool.name === pool.entry.name);
    const pool = find(physical, name!, 'pool', ['pool'], tell);
    if (pool === undefined || rack === undefined) return;
    const racks = Math.max(...pool.entry.nodes.map(({ racks, count }) => Math.min(racks, count)));
    if (rack >= racks) tell(['rack'], `got ${rack}, but pool "${name}" has ${counted(racks, 'rack')}: ${range(racks)}`);
  }

  #add(deployments: Standing[], index: number, spec: DeploymentEntry): void {
    const path = ['timeline', index, 'spec'];
    const tell = this.#tellAt(path);
    const before = deployments.findIndex(({ name }) => name === spec.name);
    if (before >= 0 && !deployments[before]!.deleted) {
      tell(['name'], `there is already a deployment "${spec.name}"`);
      return;
    }
    checkDeployment(spec, this.#grounds, path, this.#tellAt([]));
    if (deployments.length > 0) checkKind(spec, deployments[0]!.entry.units[0]!, path, this.#tellAt([]));
    if (before >= 0) deployments.splice(before, 1);
    deployments.push(standing(spec, this.#written[index]!.spec));
    this.#ever.push(spec);
  }

  #upgrade(deployment: Standing, index: number, set: Readonly<Record<string, unknown>>): void {
    const written = upgraded(deployment.written, set);
    const read = readDeployment(written, this.#ids);
    const found = 'entry' in read ? this.#newProblems(deployment, read.entry) : read.problems;
    for (const { path, message, at } of found) {
      const { path: place, beyond } = placeInSet(path, set, written);
      const said = beyond.length === 0 ? message : `${beyond.join('.')}: ${message}`;
      this.#problems.push({
        path: ['timeline', index, 'set', ...place],
        message: said,
        at: beyond.length === 0 ? at : 'value',
      });
    }
    if (!('entry' in read) || found.length > 0) return;
    const { entry } = read;
    this.upgrades.set(index, entry);
    this.#ever.push(entry);
    Object.assign(deployment, { entry, written, most: Math.max(deployment.most, mostOf(entry)) });
  }

  /** What is unsound about an upgraded deployment, and was not before. */
  #newProblems({ name, entry: before }: Standing, after: DeploymentEntry): Problem[] {
    const problemsOf = (entry: DeploymentEntry): Problem[] => {
      const problems: Problem[] = [];
      checkDeployment(entry, this.#grounds, [], (path, message) => problems.push({ path, message, at: 'value' }));
      return problems;
    };
    const said = ({ path, message }: Problem): string => `${path.join('.')}: ${message}`;
    const known = problemsOf(before).map(said);
    const found = problemsOf(after).filter((problem) => !known.includes(said(problem)));
    checkKind(after, before.units[0]!, [], (path, message) => found.push({ path, message, at: 'value' }));
    if (after.name === name) return found;
    return [{ path: ['name'], message: `got "${after.name}", but a deployment keeps its name`, at: 'value' }, ...found];
  }

  #tellAt(path: Path): Tell {
    return (at, message) => this.#problems.push({ path: [...path, ...at], message, at: 'value' });
  }
}

function standing(entry: DeploymentEntry, written: unknown): Standing {
  return { name: entry.name, entry, written, most: mostOf(entry), deleted: false };
}

function mostOf({ instances, scaling }: DeploymentEntry): number {
  return Math.max(instances, scaling?.max ?? 0);
}

function unique(names: readonly { readonly name: string }[]): { readonly name: string }[] {
  return [...new Set(names.map(({ name }) => name))].map((name) => ({ name }));
}

/** An entry names a pod that there may be. */
function checkPod(named: Named, { name, entry, most }: Standing, tell: Tell): void {
  const { instance = 0, replica = 0, pod = 0 } = named;
  if (instance >= most) {
    tell(['instance'], `got ${instance}, but deployment "${name}" has ${counted(most, 'instance')}: ${range(most)}`);
    return;
  }
  const units = entry.units.map((unit, index) => ({ ...unit, name: unitName(unit, index) }));
  const unit = named.unit === undefined ? units[0]! : find(units, named.unit, 'unit', ['unit'], tell);
  if (unit === undefined) return;
  if (replica >= unit.replicas) tell(['replica'], `got ${replica}, but unit "${unit.name}" has ${unit.replicas}`);
  if (pod >= unit.pods) tell(['pod'], `got ${pod}, but a replica of unit "${unit.name}" has ${unit.pods}`);
  if ((named.do === 'slow-link' || named.do === 'break-link') && unit.role !== 'prefill') {
    tell(['do'], `unit "${unit.name}" is no prefill unit: keys and values leave only those`);
  }
  checkChip(named, Math.ceil(unit.resources.accelerators ?? 1), `a pod of unit "${unit.name}"`, tell);
}

function checkChip({ chip }: Named, accelerators: number, whose: string, tell: Tell): void {
  if (chip === undefined || chip < accelerators) return;
  const known = accelerators === 0 ? '' : `: ${range(accelerators)}`;
  tell(['chip'], `got ${chip}, but ${whose} has ${counted(accelerators, 'accelerator')}${known}`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function range(count: number): string {
  return count === 1 ? 'the only one is 0' : `they are 0 to ${count - 1}`;
}
