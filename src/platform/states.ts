import type { DeploymentOperation, OperationKind } from './operations-spec.ts';

/** The contract's spelling; the console says Alarm for CONCERNING and Abnormal for ERROR. */
export type DeploymentStatus =
  | 'DEPLOYING'
  | 'RUNNING'
  | 'CONCERNING'
  | 'UPGRADING'
  | 'INTERRUPTING'
  | 'STOPPING'
  | 'STOPPED'
  | 'FAILED'
  | 'ERROR'
  | 'DELETING'
  | 'DELETED';

export type ServiceStatus = 'INIT' | DeploymentStatus;

/** In which states each operation on a deployment is taken; any other refuses it (guide 3100-3187, 3231-3239). */
export const ALLOWED: Readonly<Record<DeploymentOperation['kind'], readonly DeploymentStatus[]>> = {
  start: ['STOPPED', 'FAILED'],
  stop: ['DEPLOYING', 'RUNNING', 'CONCERNING', 'FAILED', 'ERROR'],
  interrupt: ['DEPLOYING', 'UPGRADING'],
  upgrade: ['RUNNING', 'CONCERNING', 'STOPPED', 'FAILED', 'ERROR'],
  scale: ['RUNNING', 'CONCERNING', 'STOPPED'],
  'set-scaling': ['RUNNING', 'CONCERNING', 'STOPPED'],
  'switch-version': ['RUNNING', 'CONCERNING', 'STOPPED'],
  'delete-version': ['DEPLOYING', 'RUNNING', 'CONCERNING', 'STOPPING', 'STOPPED', 'FAILED', 'ERROR'],
  delete: ['DEPLOYING', 'RUNNING', 'CONCERNING', 'UPGRADING', 'INTERRUPTING', 'STOPPING', 'STOPPED', 'FAILED', 'ERROR'],
  'delete-instance': ['RUNNING', 'CONCERNING', 'ERROR'],
  'delete-pod': ['RUNNING', 'CONCERNING', 'ERROR'],
  'set-weight': ['RUNNING', 'CONCERNING', 'UPGRADING', 'INTERRUPTING', 'STOPPING', 'STOPPED', 'FAILED', 'ERROR'],
  'set-mirror': ['RUNNING', 'CONCERNING', 'UPGRADING', 'INTERRUPTING', 'STOPPING', 'STOPPED', 'FAILED', 'ERROR'],
};

/** In which states a service takes what concerns it as a whole; the service's stop and start follow its deployments'. */
export const SERVICE_ADDS_IN: readonly ServiceStatus[] = [
  'INIT',
  'DEPLOYING',
  'RUNNING',
  'CONCERNING',
  'UPGRADING',
  'STOPPED',
  'FAILED',
  'ERROR',
];

/** In which states a service's own settings are changed (guide 3303; the contract's rules of an update). */
export const SERVICE_SETS_IN: readonly ServiceStatus[] = [
  'INIT',
  'RUNNING',
  'CONCERNING',
  'STOPPED',
  'FAILED',
  'ERROR',
];

/** In which states a service's calls are answered (guide 1089, 1114). */
export const ANSWERS_IN: readonly ServiceStatus[] = ['RUNNING', 'CONCERNING', 'UPGRADING', 'INTERRUPTING', 'ERROR'];

/** In which states a deployment's instances are kept as they should be. */
export const KEPT_IN: readonly DeploymentStatus[] = ['DEPLOYING', 'RUNNING', 'CONCERNING', 'UPGRADING', 'ERROR'];

/** In which its pods may take traffic. */
export const SERVING_IN: readonly DeploymentStatus[] = ['RUNNING', 'CONCERNING', 'UPGRADING', 'INTERRUPTING', 'ERROR'];

/** Operations on single deployments are not offered in public pools (guide 3087). */
export const NOT_IN_PUBLIC_POOLS: readonly OperationKind[] = [
  'start',
  'stop',
  'delete',
  'add-deployment',
  'upgrade',
  'switch-version',
  'delete-version',
  'interrupt',
  'scale',
  'set-scaling',
  'delete-instance',
  'delete-pod',
];

/**
 * A service's state from those of its deployments, first rule first. Those that are being deleted do not count.
 * @param served one of them has run before
 */
export function serviceStatus(every: readonly DeploymentStatus[], served: boolean): ServiceStatus {
  const statuses = every.filter((status) => status !== 'DELETING');
  const all = (...wanted: DeploymentStatus[]) => statuses.every((status) => wanted.includes(status));
  const some = (...wanted: DeploymentStatus[]) => statuses.some((status) => wanted.includes(status));
  const serving = some('RUNNING', 'CONCERNING');
  if (statuses.length === 0) return 'INIT';
  if (some('INTERRUPTING')) return 'INTERRUPTING';
  if (some('DEPLOYING') && !serving && !some('UPGRADING')) return 'DEPLOYING';
  if (some('UPGRADING', 'DEPLOYING')) return 'UPGRADING';
  if (all('STOPPED')) return 'STOPPED';
  if (some('STOPPING') && !serving) return 'STOPPING';
  if (all('RUNNING')) return 'RUNNING';
  if (serving) return 'CONCERNING';
  return some('ERROR') || served ? 'ERROR' : 'FAILED';
}
