import type { Cluster } from '../cluster/index.ts';
import { servesModel } from './application.ts';
import type { Deployment } from './deployment.ts';
import type { UnitEvidence } from './engine-settings.ts';
import { unitParallelism, unitStepTime } from './step-time.ts';

/**
 * How far the step times of a deployment's units are to be believed, on each kind of device that its pool has. The
 * latencies of an application are what its scenario says: there is nothing to believe.
 */
export function unitEvidence({ spec, service }: Deployment, cluster: Cluster): UnitEvidence[] {
  const flavorsOf = (named: string | undefined) =>
    new Map(
      cluster
        .nodes(spec.pool)
        .filter(({ nodePool }) => named === undefined || nodePool === named)
        .map(({ flavor }) => [flavor.accelerator, flavor]),
    );
  const units = spec.units.filter(servesModel).filter(({ role }) => role !== 'worker');
  return units.flatMap((unit) =>
    [...flavorsOf(unit.nodePool ?? spec.nodePool)].map(([accelerator, flavor]): UnitEvidence => {
      const { kind: engine = 'vllm', version, precision = 'bf16' } = unit.engine;
      return {
        service: service.name,
        deployment: spec.name,
        unit: unit.name,
        accelerator,
        devices: unitParallelism(unit, flavor).devices,
        model: unit.model.id,
        engine,
        ...(version === undefined ? {} : { version }),
        precision,
        ...unitStepTime(unit, flavor).evidence,
      };
    }),
  );
}
