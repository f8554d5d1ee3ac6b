import { callProblems, concurrentTasksProblem, MOST_PERIODIC_RULES, mirrorProblem } from '../platform/index.ts';
import { catalogueOf } from './catalogue.ts';
import { checkAccess } from './checks-access.ts';
import { checkOneKind } from './checks-application.ts';
import { checkDeployment, type Grounds } from './checks-deployment.ts';
import { checkPools } from './checks-pools.ts';
import { checkTimeline } from './checks-timeline.ts';
import { checkTraffic } from './checks-traffic.ts';
import { given } from './given.ts';
import type { Problem } from './messages.ts';
import { poolsOf } from './pools.ts';
import type { DeploymentEntry, Scenario, ServiceEntry } from './schema.ts';
import { checkUnique, type Path, type Tell } from './tell.ts';

/** What makes a scenario of the right shape unsound: names that lead nowhere, pods that fit nowhere, endless streams. */

const OWN_LISTS = [
  ['accelerators', 'an accelerator'],
  ['models', 'a model'],
  ['flavors', 'a flavor'],
] as const;

export interface Checked {
  readonly problems: Problem[];
  /** What deployments are to become, by the index of the upgrade in the timeline. */
  readonly upgrades: ReadonlyMap<number, DeploymentEntry>;
}

/** @param written the scenario as a person wrote it: upgrades are laid over it */
export function checkScenario(scenario: Scenario, written: unknown): Checked {
  const problems: Problem[] = [];
  const tell: Tell = (path, message) => problems.push({ path, message, at: 'value' });
  const catalogue = catalogueOf(scenario);
  const heterogeneous = scenario.allowHeterogeneousUnits;
  const grounds: Grounds = { catalogue, pools: poolsOf(scenario.pools, catalogue), heterogeneous };
  for (const [list, what] of OWN_LISTS) checkIds(scenario[list], [list], what, tell);
  checkPools(scenario.pools, tell);
  checkUnique(scenario.services, ['services'], 'service', tell);
  checkAccess(scenario, tell);
  checkUnique(scenario.traffic, ['traffic'], 'stream', tell);
  for (const [index, service] of scenario.services.entries()) checkService(service, grounds, ['services', index], tell);
  for (const [index, stream] of scenario.traffic.entries())
    checkTraffic(stream, scenario, catalogue, ['traffic', index], tell);
  const upgrades = checkTimeline(scenario, written, grounds, problems);
  return { problems, upgrades };
}

function checkIds(list: readonly { readonly id: string }[], path: Path, what: string, tell: Tell): void {
  for (const [index, { id }] of list.entries()) {
    const first = list.findIndex((each) => each.id === id);
    if (first < index) tell([...path, index, 'id'], `there is already ${what} "${id}" (${path.join('.')}.${first})`);
  }
}

function checkService(service: ServiceEntry, grounds: Grounds, path: Path, tell: Tell): void {
  const { deployments, auth, logs } = service;
  checkUnique(deployments, [...path, 'deployments'], 'deployment', tell);
  if (auth.kind === 'api-key') {
    for (const [index, key] of auth.keys.entries()) {
      if (auth.keys.indexOf(key) < index) tell([...path, 'auth', 'keys', index], `there is already a key "${key}"`);
    }
  }
  // Guide 4486.
  if (logs.kubernetesEvents && !logs.ingest) {
    tell([...path, 'logs', 'kubernetesEvents'], 'pod events are ingested with the logs; expected "ingest: true" too');
  }
  for (const [setting, problem] of callProblems(given(service))) tell([...path, setting], problem);
  const mirrors = mirrorProblem(service.protocol ?? 'HTTPS', service.mode ?? 'synchronous', deployments);
  if (mirrors !== undefined) {
    const first = deployments.findIndex(({ mirror }) => mirror);
    tell([...path, 'deployments', first, 'mirror'], mirrors);
  }
  checkOneKind(service, path, tell);
  for (const [index, { maxConcurrentTasks }] of deployments.entries()) {
    const problem = concurrentTasksProblem(maxConcurrentTasks, service.mode);
    if (problem !== undefined) tell([...path, 'deployments', index, 'maxConcurrentTasks'], problem);
  }
  for (const [index, deployment] of deployments.entries())
    checkDeployment(deployment, grounds, [...path, 'deployments', index], tell);
  checkPeriodicRules(deployments, [...path, 'deployments'], tell);
}

/** A service has so many periodic rules at most, over all its deployments (guide 3221). */
function checkPeriodicRules(deployments: readonly DeploymentEntry[], path: Path, tell: Tell): void {
  let count = 0;
  for (const [index, { scaling }] of deployments.entries()) {
    for (const [which, { kind }] of (scaling?.rules ?? []).entries()) {
      if (kind !== 'periodic' || ++count !== MOST_PERIODIC_RULES + 1) continue;
      const message = `a service has at most ${MOST_PERIODIC_RULES} periodic rules, and this is one more`;
      tell([...path, index, 'scaling', 'rules', which], message);
    }
  }
}
