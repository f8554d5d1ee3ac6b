import type { FaultSpec, TimelineEntry } from '../lab/index.ts';
import type { OperationSpec } from '../platform/index.ts';
import type { Catalogue } from './catalogue.ts';
import { deploymentSpec, scalingSpec } from './describe-deployment.ts';
import { given } from './given.ts';
import type { DeploymentEntry, Scenario, TimelineItem } from './schema.ts';
import { type FaultItem, isFault, type OperationItem } from './schema-timeline.ts';

/**
 * What the lab is told of an entry of the timeline.
 * @param upgraded the deployment as an upgrade makes it
 */
export function timelineEntry(
  item: TimelineItem,
  upgraded: DeploymentEntry | undefined,
  scenario: Scenario,
  catalogue: Catalogue,
): TimelineEntry {
  const { at, from } = item;
  if (isFault(item)) return { at, from, fault: faultOf(item) };
  return { at, from, operation: operationOf(item, upgraded, scenario, catalogue) };
}

/** The scenario's words are the fault's, but for `do` and `for`. */
function faultOf({ at: _, from: __, do: kind, ...rest }: FaultItem): FaultSpec {
  const { for: lasting, ...fields } = rest as { readonly for?: number };
  return given({ kind, ...fields, lasting }) as FaultSpec;
}

function operationOf(
  { at: _, from: __, ...item }: OperationItem,
  upgraded: DeploymentEntry | undefined,
  scenario: Scenario,
  catalogue: Catalogue,
): OperationSpec {
  switch (item.do) {
    case 'add-deployment': {
      const spec = deploymentSpec(item.spec, scenario, catalogue);
      return { kind: item.do, service: item.service, spec };
    }
    case 'upgrade': {
      const { service, deployment } = item;
      return { kind: item.do, service, deployment, spec: deploymentSpec(upgraded!, scenario, catalogue) };
    }
    case 'set-scaling': {
      const { service, deployment, scaling } = item;
      const rules = scaling === undefined ? {} : { scaling: scalingSpec(scaling) };
      return { kind: item.do, service, deployment, ...rules };
    }
    default: {
      const { do: kind, ...fields } = item;
      return given({ kind, ...fields }) as OperationSpec;
    }
  }
}
