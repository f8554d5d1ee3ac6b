import type { DeploymentMode } from '../platform/index.ts';
import { checkApplication, checkScaledBy } from './checks-application.ts';
import { modeOf, unitName } from './defaults.ts';
import type { DeploymentEntry, UnitEntry } from './schema.ts';
import type { Path, Tell } from './tell.ts';

/** What makes the units of a deployment unsound together: modes need their units (guide 313-321, 404, 505, 762). */

/** @param path of the deployment */
export function checkUnits(deployment: DeploymentEntry, path: Path, tell: Tell): void {
  const { units } = deployment;
  const at = [...path, 'units'];
  for (const [index, unit] of units.entries()) {
    checkCommands(unit, [...at, index], tell);
    checkApplication(unit, [...at, index], tell);
  }
  checkScaledBy(deployment, path, tell);
  const mode = modeOf(deployment);
  if (mode === 'basic') {
    checkBasic(units, at, tell);
    return;
  }
  const has = (role: UnitEntry['role']): boolean => units.some((unit) => unit.role === role);
  if (mode === 'co-located' && !has('prefill') && !has('decode')) checkMaster(units, at, tell);
  else checkPrefillAndDecode(units, mode, at, tell);
  checkAlike(units, mode, at, tell);
}

/** A probe asks a path or runs a command; only a command takes time at shutdown. */
function checkCommands({ probes, gracefulShutdown }: UnitEntry, path: Path, tell: Tell): void {
  for (const [kind, probe] of Object.entries(probes)) {
    if (probe === 'none' || probe.path === undefined || probe.command === undefined) continue;
    tell([...path, 'probes', kind, 'command'], 'a command beside a path; expected one of these');
  }
  if (gracefulShutdown === undefined || gracefulShutdown.command !== undefined) return;
  if (gracefulShutdown.commandTakes > 0) {
    tell([...path, 'gracefulShutdown', 'commandTakes'], 'there is no command; expected one that takes so long');
  }
}

function checkBasic(units: readonly UnitEntry[], path: Path, tell: Tell): void {
  const stranger = units.findIndex(({ role }) => role !== 'common');
  if (stranger >= 0) {
    const { role } = units[stranger]!;
    tell([...path, stranger, 'role'], `got "${role}", but mode "basic" has one common unit alone`);
  } else if (units.length > 1) {
    tell(path, `got ${units.length} common units, expected one; or prefill and decode units`);
  }
  const { replicas } = units[0]!;
  if (replicas !== 1) {
    tell(
      [...path, 0, 'replicas'],
      `got ${replicas}, expected 1: the unit of mode "basic" has one replica; add instances`,
    );
  }
}

function checkPrefillAndDecode(units: readonly UnitEntry[], mode: DeploymentMode, path: Path, tell: Tell): void {
  for (const role of ['prefill', 'decode'] as const) {
    if (units.some((unit) => unit.role === role)) continue;
    tell(path, `no ${role} unit; expected at least one prefill and one decode unit`);
  }
  for (const [index, { role, model }] of units.entries()) {
    const at = [...path, index];
    if (role === 'common') tell(at, 'a common unit beside prefill and decode units; expected one of these');
    if (role === 'worker') {
      const where = mode === 'co-located' ? 'beside prefill and decode units' : `in mode "${mode}"`;
      tell(at, `a worker unit ${where}; workers belong to a common unit, in mode "co-located"`);
    }
    if (model !== units[0]!.model) {
      const first = `the first unit has "${units[0]!.model}"`;
      tell([...at, 'model'], `got "${model}", but ${first}: keys and values are of one model`);
    }
  }
}

/** The first unit is the master; the pods of its replicas and of the workers' run one engine each (guide 505). */
function checkMaster(units: readonly UnitEntry[], path: Path, tell: Tell): void {
  const [master, ...workers] = units as [UnitEntry, ...UnitEntry[]];
  if (master.role !== 'common') {
    tell([...path, 0, 'role'], `got "${master.role}", expected a common unit first, the master, and workers after it`);
  }
  if (workers.length === 0)
    tell(path, 'no worker unit; expected a common unit and workers, or prefill and decode units');
  for (const [index, worker] of workers.entries()) {
    const at = [...path, index + 1];
    if (worker.role === 'common') tell([...at, 'role'], 'a second common unit; expected workers of the first');
    const differ = (key: string, got: unknown, expected: unknown): void => {
      if (got !== expected)
        tell([...at, ...key.split('.')], `got ${got}, but the master has ${expected}: they run one engine`);
    };
    differ('replicas', worker.replicas, master.replicas);
    differ('model', `"${worker.model}"`, `"${master.model}"`);
    differ('resources.accelerators', worker.resources.accelerators ?? 1, master.resources.accelerators ?? 1);
  }
}

/** What units of several roles have in common, and what tells them apart. */
function checkAlike(units: readonly UnitEntry[], mode: DeploymentMode, path: Path, tell: Tell): void {
  const names = units.map(unitName);
  const shutdowns = units.map(({ gracefulShutdown }) => JSON.stringify(gracefulShutdown ?? null));
  for (const [index, { affinity }] of units.entries()) {
    const at = [...path, index];
    if (names.indexOf(names[index]!) < index) {
      tell(at, `there is already a unit "${names[index]}"; expected a name of its own`);
    }
    // Guide 3965.
    if (shutdowns[index] !== shutdowns[0]) {
      tell(
        [...at, 'gracefulShutdown'],
        `differs from that of unit "${names[0]}": graceful shutdown is equal in all units of a deployment`,
      );
    }
    // Guide 522, 635, 670.
    if (mode === 'co-located' && affinity?.strength === 'strong') {
      tell([...at, 'affinity', 'strength'], 'got "strong", expected "weak": co-location takes weak affinity only');
    }
  }
}
