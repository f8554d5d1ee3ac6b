import type { Reply } from '../../src/gateway/index.ts';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import { type FaultSpec, type LabDescription, World } from '../../src/lab/index.ts';
import type { DeploymentSpec, OperationSpec, PodTarget, UnitSpec } from '../../src/platform/index.ts';
import type { EventSink } from '../../src/telemetry/index.ts';
import { DEPLOYMENT, deployment, description, SERVICE, service } from './world.ts';

/** The first pod of an instance. */
export function pod(instance: number, more: Partial<PodTarget> = {}): PodTarget {
  return { service: SERVICE, deployment: DEPLOYMENT, instance, ...more };
}

/** The deployment of {@link deployment}, its unit changed. */
export function withUnit(unit: Partial<UnitSpec>, overrides: Partial<DeploymentSpec> = {}): DeploymentSpec {
  const plain = deployment(overrides);
  return { ...plain, units: (plain.units as readonly UnitSpec[]).map((each) => ({ ...each, ...unit })) };
}

/**
 * A world that is lived through second by second, from the moment its services are up (or from time zero, if they never
 * come up), with what must hold held at every event of its platform.
 */
export class Story {
  readonly world: World;
  readonly zero: Micros;
  /** The streams that were begun, in order. */
  readonly streams: Reply[] = [];
  #events = 0;
  readonly #told: {
    readonly at: number;
    readonly object: string;
    readonly reason: string;
    readonly message: string;
  }[] = [];

  constructor(deployments: readonly DeploymentSpec[], lab: Partial<LabDescription> = {}, settled = true) {
    const eventSink: EventSink = ({ lastAt, object, reason, message }) => {
      this.#told.push({ at: lastAt, object, reason, message });
    };
    this.world = new World(description({ services: [service({ deployments })], traffic: [], ...lab }), { eventSink });
    if (settled) this.world.runUntilSettled();
    this.zero = this.world.now;
  }

  /** Seconds since the beginning. */
  get now(): number {
    return (this.world.now - this.zero) / 1e6;
  }

  /** Lives on until then, everything that is due at that moment included. */
  until(seconds: number): this {
    const { world } = this;
    const end = (this.zero + fromSeconds(seconds)) as Micros;
    while (world.kernel.nextAt() <= end) {
      world.kernel.step();
      if (++this.#events % 5 === 0) world.check();
    }
    world.runUntil(end);
    world.check();
    return this;
  }

  strike(fault: FaultSpec): this {
    this.world.apply(this.world.now, { kind: 'fault', fault });
    this.world.check();
    return this;
  }

  operate(operation: OperationSpec): this {
    this.world.apply(this.world.now, { kind: 'operate', operation });
    return this;
  }

  /** Begins streams through the gateway. */
  call(count = 1, outputTokens = 4_000, promptTokens = 100): Reply[] {
    const call = { to: { service: SERVICE }, key: null, promptTokens, maxTokens: outputTokens, ignoreEos: true };
    const begun = Array.from({ length: count }, () => this.world.apply(this.world.now, { kind: 'call', call })!);
    this.streams.push(...begun);
    return begun;
  }

  /** How each stream stands, and since when if it has ended: `cut 10`. */
  get outcomes(): string[] {
    return this.streams.map(({ state, endedAt }) => {
      return state === 'open' || state === 'refused' ? state : `${state} ${(endedAt - this.zero) / 1e6}`;
    });
  }

  /** Every event since then, failed checks apart: `10 pod-0 Killing`, pods numbered in order of creation. */
  trail(since = 0): string[] {
    const from = this.zero + fromSeconds(since);
    const pods = new Map(this.world.platform.pods.map(({ name, index }) => [name, `pod-${index}`]));
    return this.#told
      .filter(({ at, reason }) => at >= from && reason !== 'Unhealthy' && reason !== 'podsUnhealthy')
      .map(({ at, object, reason }) => {
        const seconds = Math.round((at - this.zero) / 1e5) / 10;
        return `${seconds} ${pods.get(object) ?? object} ${reason}`;
      });
  }

  /** Where each living pod is, and whether it takes traffic: `pod-2 npus-node-1 ready`. */
  get pods(): string[] {
    return this.world.platform.pods
      .filter(({ phase }) => phase !== 'terminated')
      .map(({ index, placement, phase, ready }) => {
        return `pod-${index} ${placement?.node.name ?? 'nowhere'} ${ready ? 'ready' : phase}`;
      });
  }

  get status(): string {
    return this.world.platform.deployments[0]!.status;
  }

  /** Messages of the events with a reason. */
  messages(reason: string): string[] {
    return this.#told.flatMap((event) => (event.reason === reason ? [event.message] : []));
  }
}
