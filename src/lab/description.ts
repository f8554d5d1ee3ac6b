import type { PoolSpec } from '../cluster/index.ts';
import type { Micros } from '../kernel/index.ts';
import type { IamSpec, Operation, ServiceSpec, Timings, VpcSpec } from '../platform/index.ts';
import type { TrafficSpec } from '../workload/index.ts';
import type { FaultSpec } from './fault-spec.ts';

/** Everything that a lab is made of: a scenario, read and checked. All content is handed in; nothing names a file to read. */
export interface LabDescription {
  readonly name: string;
  readonly seed: number;
  /** The calendar instant of simulated time zero, milliseconds since 1970. */
  readonly epoch: number;
  readonly timings: Timings;
  /** Default: an account with one project and one user. */
  readonly iam?: IamSpec;
  /** Networks that private connections may come from. */
  readonly vpcs?: readonly VpcSpec[];
  readonly pools: readonly PoolSpec[];
  readonly services: readonly ServiceSpec[];
  readonly traffic: readonly TrafficSpec[];
  /** Arrivals end this long after the services are ready; absent, they end when every stream has. */
  readonly duration?: Micros;
  readonly timeline: readonly TimelineEntry[];
}

/** Something that the scenario makes happen. */
export type TimelineEntry = {
  readonly at: Micros;
  /** `ready`: counted from when every service has first run; `boot`: from time zero. */
  readonly from: 'ready' | 'boot';
} & ({ readonly fault: FaultSpec } | { readonly operation: Operation });
