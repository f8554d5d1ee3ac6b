import type { Catalogue } from './catalogue.ts';
import { checkDeployment } from './checks-deployment.ts';
import { unitName } from './defaults.ts';
import type { DeploymentEntry, Scenario, TimelineItem } from './schema.ts';
import { find, type Path, type Tell, unknown } from './tell.ts';

/** Whether what the timeline names is there: as far as that can be known before anything has happened. */

export function checkTimeline(
  scenario: Scenario,
  upgrades: ReadonlyMap<number, DeploymentEntry>,
  catalogue: Catalogue,
  tell: Tell,
): void {
  const added = scenario.timeline.flatMap((item) =>
    item.do === 'add-deployment' ? [{ service: item.service, entry: item.spec }] : [],
  );
  for (const [index, item] of scenario.timeline.entries()) {
    const path = ['timeline', index];
    checkNames(item, scenario, path, tell);
    if (item.do === 'add-deployment') checkDeployment(item.spec, scenario, catalogue, [...path, 'spec'], tell);
    const upgraded = upgrades.get(index);
    if (upgraded !== undefined) checkDeployment(upgraded, scenario, catalogue, [...path, 'set'], tell);
    if (!('service' in item) || item.service === undefined) continue;
    const service = find(scenario.services, item.service, 'service', [...path, 'service'], tell);
    if (service === undefined || !('deployment' in item) || item.deployment === undefined) continue;
    const known = [
      ...service.deployments,
      ...added.filter((each) => each.service === item.service).map(({ entry }) => entry),
    ];
    const deployment = find(known, item.deployment, 'deployment', [...path, 'deployment'], tell);
    if (deployment !== undefined) checkStruck(item, deployment, path, scenario, tell);
  }
}

/** Pools, nodes and secrets. */
function checkNames(item: TimelineItem, scenario: Scenario, path: Path, tell: Tell): void {
  if ('pool' in item) {
    const known = scenario.pools.flatMap(({ name, subpools }) => [name, ...subpools.map((each) => each.name)]);
    if (!known.includes(item.pool)) tell([...path, 'pool'], unknown('pool', item.pool, known));
  }
  if ('rack' in item) {
    const pool = scenario.pools.find(({ name }) => name === item.pool);
    const racks = Math.max(1, ...(pool?.nodes ?? []).map((group) => Math.min(group.racks, group.count)));
    if (pool !== undefined && item.rack >= racks) {
      const there = racks === 1 ? 'the only one is 0' : `they are 0 to ${racks - 1}`;
      tell([...path, 'rack'], `got ${item.rack}, but pool "${pool.name}" has ${racks} racks: ${there}`);
    }
  }
  if ('node' in item && item.node !== undefined) {
    const known = scenario.pools.flatMap(({ name, nodes }) => {
      const count = nodes.reduce((sum, group) => sum + group.count, 0);
      return Array.from({ length: count }, (_, index) => `${name}-node-${index}`);
    });
    if (!known.includes(item.node)) tell([...path, 'node'], unknown('node', item.node, known));
    if (item.service !== undefined) tell([...path, 'node'], 'a node and a pod; expected one of them');
  } else if (
    'node' in item &&
    (item.service === undefined || item.deployment === undefined || item.instance === undefined)
  ) {
    tell(path, 'expected a "node", or the "service", "deployment" and "instance" of a pod on it');
  }
  if (item.do === 'delete-secret') {
    const known = scenario.services.flatMap(({ deployments }) =>
      deployments.flatMap(({ secrets, storageSecret }) => [
        ...secrets.filter(({ kind }) => kind === 'dew').map(({ name }) => name),
        ...(storageSecret === undefined ? [] : [storageSecret]),
      ]),
    );
    if (!known.includes(item.secret)) tell([...path, 'secret'], unknown('DEW secret', item.secret, known));
  }
}

/** The instance, unit, replica and pod that are named. Scaling and upgrades may add instances: those are not refused. */
function checkStruck(
  item: TimelineItem,
  deployment: DeploymentEntry,
  path: Path,
  scenario: Scenario,
  tell: Tell,
): void {
  if (!('instance' in item) || item.instance === undefined) return;
  const most = Math.max(deployment.instances, deployment.scaling?.max ?? 0, scaledTo(deployment.name, scenario));
  if (item.instance >= most) {
    const range = most === 1 ? 'the only one is 0' : `they are 0 to ${most - 1}`;
    tell(
      [...path, 'instance'],
      `got ${item.instance}, but deployment "${deployment.name}" has ${most} instances: ${range}`,
    );
  }
  if (!('unit' in item)) return;
  const units = deployment.units.map((unit) => ({ ...unit, name: unitName(unit) }));
  const unit = item.unit === undefined ? units[0]! : find(units, item.unit, 'unit', [...path, 'unit'], tell);
  if (unit === undefined) return;
  if (item.replica !== undefined && item.replica >= unit.replicas) {
    tell([...path, 'replica'], `got ${item.replica}, but unit "${unit.name}" has ${unit.replicas}`);
  }
  if (item.pod !== undefined && item.pod >= unit.pods) {
    tell([...path, 'pod'], `got ${item.pod}, but a replica of unit "${unit.name}" has ${unit.pods}`);
  }
  if ((item.do === 'slow-link' || item.do === 'break-link') && unit.role !== 'prefill') {
    tell([...path, 'do'], `unit "${unit.name}" is no prefill unit: keys and values leave only those`);
  }
}

/** The most instances that the timeline scales a deployment to. */
function scaledTo(deployment: string, { timeline }: Scenario): number {
  const wanted = timeline.map((item) => {
    if (item.do === 'scale' && item.deployment === deployment) return item.instances;
    return item.do === 'upgrade' && typeof item.set.instances === 'number' ? item.set.instances : 0;
  });
  return Math.max(0, ...wanted);
}
