import type { EventLog } from '../telemetry/index.ts';
import type { ApiKeyOperation, OperationSpec } from './operations-spec.ts';
import type { Service } from './service.ts';

/** Why the only instance of a deployment is not deleted for good: it has a text of its own (guide 4444). */
export const LAST_INSTANCE = 'it is the only one';

/** Leaves the event that says that an operation was refused. */
export function refusalTold(events: EventLog, service: Service, operation: OperationSpec, why: string): void {
  const { name } = service;
  const deployment = deploymentOf(operation);
  switch (operation.kind) {
    case 'start':
      events.service(name, 'serviceStartFailed', why, service.status, service.status);
      break;
    case 'stop':
      if (deployment === undefined) events.service(name, 'serviceStopFailed', why);
      else events.service(name, 'deploymentStopRefused', deployment, why);
      break;
    case 'interrupt':
      if (deployment === undefined) events.service(name, 'serviceInterruptionFailed', service.status, why);
      else {
        const status = service.deployment(deployment)?.status ?? 'unknown';
        events.service(name, 'deploymentInterruptionRefused', deployment, status, why);
      }
      break;
    case 'delete':
      if (deployment === undefined) events.service(name, 'serviceDeletionFailed', service.status, why);
      else events.service(name, 'deploymentDeletionRefused', deployment, why);
      break;
    case 'add-deployment':
      events.service(name, 'deploymentCreationRefused', operation.spec.name, why);
      break;
    case 'upgrade':
    case 'switch-version':
      events.service(name, 'deploymentUpdateRefused', deployment ?? '', why);
      events.service(name, 'serviceUpgradeConfigurationFailed', why);
      break;
    case 'scale':
      events.service(name, 'manualScalingFailed', operation.deployment, why);
      break;
    case 'delete-instance': {
      const instance = service.deployment(operation.deployment)?.instanceAt(operation.instance);
      const known = instance?.name ?? String(operation.instance);
      if (why === LAST_INSTANCE) events.service(name, 'lastInstanceDeletionRefused', known);
      else events.service(name, 'instanceDeletionNotSubmitted', known, why);
      break;
    }
    case 'set-weight':
    case 'set-mirror':
    case 'modify-service':
    case 'set-scaling':
    case 'set-auto-stop':
    case 'delete-version':
    case 'delete-pod':
      events.service(name, 'serviceConfigurationDeliveryFailed', why);
      break;
  }
}

/** Leaves the event that says that a key was not bound, or not unbound. */
export function bindingRefusalTold(
  events: EventLog,
  { name }: Service,
  { kind, key }: Extract<ApiKeyOperation, { readonly kind: 'bind-key' | 'unbind-key' }>,
  why: string,
): void {
  events.service(name, kind === 'bind-key' ? 'apiKeyBindingFailed' : 'apiKeyUnbindingFailed', key, why);
}

function deploymentOf(operation: OperationSpec): string | undefined {
  if ('deployment' in operation && operation.deployment !== undefined) return operation.deployment;
  return operation.kind === 'upgrade' ? operation.spec.name : undefined;
}
