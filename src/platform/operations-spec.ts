import type { Micros } from '../kernel/index.ts';
import type { ServiceChanges } from './call-settings.ts';
import type { ConnectionOperation } from './private-connections-spec.ts';
import type { ScalingSpec } from './scaling-spec.ts';
import type { DeploymentSpec } from './spec.ts';

/** Which deployment of which service; without `deployment` all of them. */
export interface DeploymentTarget {
  readonly service: string;
  readonly deployment: string;
}

/** Which pod: of the instances that stay, the `instance`-th from 0; in it by default the first unit, replica and pod. */
export interface PodTarget extends DeploymentTarget {
  readonly instance: number;
  readonly unit?: string;
  readonly replica?: number;
  readonly pod?: number;
}

/** What an operator asks of the platform (guide 3087-3345; the contract's operations of services and deployments). */
export type OperationSpec =
  | {
      readonly kind: 'start' | 'stop' | 'delete' | 'interrupt';
      readonly service: string;
      /** Absent: the service with all its deployments. */
      readonly deployment?: string;
    }
  /** Adds a deployment to a running service. */
  | { readonly kind: 'add-deployment'; readonly service: string; readonly spec: DeploymentSpec }
  /** A new version of a deployment: the whole of what it is to be. */
  | {
      readonly kind: 'upgrade';
      readonly service: string;
      /** Absent: the service is modified as a whole, and the specification says which deployment of it. */
      readonly deployment?: string;
      readonly spec: DeploymentSpec;
    }
  | ({ readonly kind: 'switch-version' | 'delete-version'; readonly version: string } & DeploymentTarget)
  | ({ readonly kind: 'scale'; readonly instances: number } & DeploymentTarget)
  /** Rules of automatic scaling in place of those that it has; without `scaling` they are deleted. */
  | ({ readonly kind: 'set-scaling'; readonly scaling?: ScalingSpec | undefined } & DeploymentTarget)
  /** The service is stopped once it has run so long; without `limit` it runs on (guide 233). */
  | { readonly kind: 'set-auto-stop'; readonly service: string; readonly limit?: Micros | undefined }
  | ({ readonly kind: 'set-weight'; readonly weight: number } & DeploymentTarget)
  /** It gets copies of live requests and no live one, or live ones again (guide 3643). */
  | ({ readonly kind: 'set-mirror'; readonly mirror: boolean } & DeploymentTarget)
  /** The service's own settings change; its deployments are left alone (guide 3303). */
  | { readonly kind: 'modify-service'; readonly service: string; readonly set: ServiceChanges }
  /** With `recreate` a new instance takes its place; else the deployment has one less for good (guide 3235-3239). */
  | ({ readonly kind: 'delete-instance'; readonly instance: number; readonly recreate: boolean } & DeploymentTarget)
  /** A new pod takes its place. Forced: without a graceful end. */
  | ({ readonly kind: 'delete-pod'; readonly force: boolean } & PodTarget);

/** What an operator does with API keys (guide 1880-1946): of no service, or of several. */
export type ApiKeyOperation =
  | {
      readonly kind: 'create-key';
      readonly name: string;
      /** Of the plain text, which the core never sees. */
      readonly digest: string;
      readonly scope: 'USER' | 'SERVICE';
      readonly description?: string;
      /** Of a temporary key: when it is over. */
      readonly expiresAt?: Micros;
      /** Of a temporary key, in place of `expiresAt`: how long it is good for. */
      readonly validFor?: Micros;
    }
  | { readonly kind: 'delete-key'; readonly key: string }
  | { readonly kind: 'bind-key' | 'unbind-key'; readonly key: string; readonly service: string };

/** All that an operator asks for. */
export type Operation = OperationSpec | ApiKeyOperation | ConnectionOperation;

export type OperationKind = OperationSpec['kind'];

/** An operation on one deployment, or on all of a service. */
export type DeploymentOperation = Exclude<
  OperationSpec,
  { kind: 'add-deployment' | 'set-auto-stop' | 'modify-service' }
>;
