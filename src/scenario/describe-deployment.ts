import type { NodeFlavor } from '../catalog/index.ts';
import {
  type DeploymentSpec,
  type ModelStorageSpec,
  PROBE_KINDS,
  type ProbeSpec,
  type ProbesSpec,
  type ScalingSpec,
  type UnitSpec,
} from '../platform/index.ts';
import type { Catalogue } from './catalogue.ts';
import { engineOf, flavorOf, hasKvTransfer, imageOf, modeOf, resourcesOf, unitName } from './defaults.ts';
import { given } from './given.ts';
import type { DeploymentEntry, Scenario, UnitEntry } from './schema.ts';

/** What the platform is told of a deployment. */

const DEFAULT_PATH = '/health';

export function deploymentSpec(entry: DeploymentEntry, scenario: Scenario, catalogue: Catalogue): DeploymentSpec {
  const { units, kvTransfer, scaling, mode: _, ...rest } = entry;
  const { setup, gigabytesPerSecond, ...transfer } = kvTransfer;
  const flavor = flavorOf(entry, scenario, catalogue);
  return {
    ...given(rest),
    mode: modeOf(entry),
    units: units.map((unit) => unitSpec(unit, flavor, catalogue, scenario.seed)),
    ...(hasKvTransfer(entry)
      ? { kvTransfer: { ...transfer, setupMicros: setup, bytesPerSecond: gigabytesPerSecond * 1e9 } }
      : {}),
    ...(scaling === undefined ? {} : { scaling: scalingSpec(scaling) }),
  } as DeploymentSpec;
}

export function scalingSpec({ utcOffset, ...scaling }: NonNullable<DeploymentEntry['scaling']>): ScalingSpec {
  const minutes = Number(utcOffset.slice(1, 3)) * 60 + Number(utcOffset.slice(4));
  return { ...scaling, utcOffsetMinutes: utcOffset.startsWith('-') ? -minutes : minutes };
}

function unitSpec(entry: UnitEntry, flavor: NodeFlavor, catalogue: Catalogue, seed: number): UnitSpec {
  const { role, replicas, pods, storage, files, dumps, probes, autoRestart } = entry;
  const { autoRebuild, nodeReset, gracefulShutdown, affinity, environment } = entry;
  return {
    name: unitName(entry),
    role,
    replicas,
    pods,
    resources: resourcesOf(entry, flavor),
    image: imageOf(entry, flavor),
    model: catalogue.model(entry.model),
    servedModelName: entry.servedModelName ?? entry.model,
    engine: engineOf(entry, catalogue, seed),
    storage: storageSpec(storage),
    files,
    dumps,
    probes: probesSpec(probes),
    autoRestart,
    ...given({ autoRebuild, nodeReset, affinity, environment }),
    ...(gracefulShutdown === undefined ? {} : { gracefulShutdown: given(gracefulShutdown) }),
  };
}

function storageSpec(storage: UnitEntry['storage']): ModelStorageSpec {
  return { address: '', mountPath: '/model/', hostCache: false, ...storage };
}

function probesSpec(probes: UnitEntry['probes']): ProbesSpec {
  return Object.fromEntries(
    PROBE_KINDS.flatMap((kind) => {
      const probe = probes[kind];
      return probe === 'none' ? [] : [[kind, probeSpec(probe)] as const];
    }),
  );
}

function probeSpec({ path, command, protocol, ...rest }: Exclude<UnitEntry['probes']['startup'], 'none'>): ProbeSpec {
  const check: ProbeSpec['check'] =
    command === undefined ? { kind: 'http', path: path ?? DEFAULT_PATH, protocol } : { kind: 'command', command };
  return { check, ...rest };
}
