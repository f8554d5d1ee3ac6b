import type { FaultSpec, TimelineEntry } from '../lab/index.ts';
import type { Operation } from '../platform/index.ts';
import { scalingOf } from './defaults.ts';
import { keyCreationOf } from './describe-access.ts';
import { deploymentOf, type Meaning } from './describe-deployment.ts';
import { given } from './given.ts';
import type { DeploymentEntry, TimelineItem } from './schema.ts';
import { type FaultItem, isFault, type OperationItem } from './schema-timeline.ts';

/** @param upgraded what an upgrade makes of its deployment */
export function timelineEntryOf(
  item: TimelineItem,
  upgraded: DeploymentEntry | undefined,
  meaning: Meaning,
): TimelineEntry {
  const { at, from } = item;
  if (isFault(item)) return { at, from, fault: faultOf(item) };
  return { at, from, operation: operationOf(item, upgraded, meaning) };
}

/** The fields of a fault are called the same here and there, but for `do` and `for`. */
function faultOf({ at: _, from: __, do: kind, ...rest }: FaultItem): FaultSpec {
  const { for: lasting, ...fields } = rest as { for?: number };
  return given({ kind, ...fields, lasting }) as FaultSpec;
}

function operationOf(item: OperationItem, upgraded: DeploymentEntry | undefined, meaning: Meaning): Operation {
  const { at: _, from: __, do: ___, ...fields } = item;
  switch (item.do) {
    case 'add-deployment':
      return { kind: item.do, service: item.service, spec: deploymentOf(item.spec, meaning) };
    case 'upgrade':
      return {
        kind: item.do,
        service: item.service,
        deployment: item.deployment,
        spec: deploymentOf(upgraded!, meaning),
      };
    case 'set-scaling': {
      const { service, deployment, scaling } = item;
      return given({ kind: item.do, service, deployment, scaling: scaling && scalingOf(scaling) });
    }
    case 'create-key':
      return keyCreationOf(item, meaning.seed);
    default:
      return given({ kind: item.do, ...fields }) as Operation;
  }
}
