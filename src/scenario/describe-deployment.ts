import {
  type AnyUnitSpec,
  type DeploymentSpec,
  type ModelStorageSpec,
  PROBE_KINDS,
  type ProbeSpec,
} from '../platform/index.ts';
import type { Catalogue } from './catalogue.ts';
import { engineOf, handsOver, imageOf, modeOf, nodePoolOf, resourcesOf, scalingOf, unitName } from './defaults.ts';
import { applicationOf, healthPathOf } from './describe-application.ts';
import { given } from './given.ts';
import { nodePoolsFor, type Pool } from './pools.ts';
import type { DeploymentEntry, UnitEntry } from './schema.ts';

/** What entries of deployments are given their meaning by. */
export interface Meaning {
  readonly catalogue: Catalogue;
  readonly pools: readonly Pool[];
  readonly seed: number;
}

/** Weights in the image need no mount. */
const IN_IMAGE: ModelStorageSpec = { kind: 'image', address: '', mountPath: '/model/', hostCache: false };

/** A deployment as the platform takes it. */
export function deploymentOf(entry: DeploymentEntry, meaning: Meaning): DeploymentSpec {
  const { units, kvTransfer, scaling, mode: _, ...rest } = entry;
  const { setup, gigabytesPerSecond, ...transfer } = kvTransfer;
  const link = { ...transfer, setupMicros: setup, bytesPerSecond: gigabytesPerSecond * 1e9 };
  return given({
    ...rest,
    mode: modeOf(entry),
    scaling: scaling && scalingOf(scaling),
    units: units.map((unit, index) => unitOf(unit, index, entry, meaning)),
    kvTransfer: handsOver(entry) ? link : undefined,
  });
}

function unitOf(
  entry: UnitEntry,
  index: number,
  deployment: DeploymentEntry,
  { catalogue, pools, seed }: Meaning,
): AnyUnitSpec {
  const pool = pools.find(({ name }) => name === deployment.pool)!;
  const { flavor } = nodePoolsFor(pool, nodePoolOf(entry, deployment))[0]!;
  const { storage, probes, gracefulShutdown, pods, model, servedModelName, engine: _, application, ...rest } = entry;
  const common = {
    ...rest,
    name: unitName(entry, index),
    pods: pods === 1 ? undefined : pods,
    resources: resourcesOf(entry, flavor),
    image: imageOf(entry, flavor),
    storage: storage.kind === 'image' ? IN_IMAGE : { hostCache: false, ...storage },
    probes: given(
      Object.fromEntries(PROBE_KINDS.map((kind) => [kind, probeOf(probes[kind], healthPathOf(application))])),
    ),
    gracefulShutdown: gracefulShutdown && given(gracefulShutdown),
  };
  if (application !== undefined) return given({ ...common, application: applicationOf(application) });
  return given({
    ...common,
    model: catalogue.model(model),
    servedModelName: servedModelName ?? model,
    engine: engineOf(entry, catalogue, seed),
  });
}

/** @param healthPath where a check asks that names neither a path nor a command */
function probeOf(entry: UnitEntry['probes'][keyof UnitEntry['probes']], healthPath: string): ProbeSpec | undefined {
  if (entry === 'none') return undefined;
  const { path = healthPath, protocol, command, ...rest } = entry;
  return { check: command === undefined ? { kind: 'http', path, protocol } : { kind: 'command', command }, ...rest };
}
