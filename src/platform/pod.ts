import type { Placement } from '../cluster/index.ts';
import type { Engine, KvLink } from '../engine/index.ts';
import { type EventToken, type Micros, NO_EVENT } from '../kernel/index.ts';
import type { Deployment } from './deployment.ts';
import type { UnitSpec } from './spec.ts';

/** A pod's life, in order; `terminated` is final. */
export type PodPhase = 'pending' | 'pulling' | 'creating' | 'running' | 'terminated';

/** One pod: a place on a node, and in it the container of an engine. */
export class Pod {
  readonly index: number;
  readonly name: string;
  readonly deployment: Deployment;
  /** The deployment replica that it is part of, from 0. */
  readonly instance: number;
  readonly unit: UnitSpec;
  /** Its unit replica, from 0. */
  readonly replica: number;
  /** Its place among all pods of the deployment: what it takes over from its predecessor. */
  readonly place: number;
  /** The name of the slot that it holds. */
  readonly slot: string;
  readonly createdAt: Micros;
  phase: PodPhase = 'pending';
  pullingSince: Micros;
  placement: Placement | undefined;
  /** The serving process, from the moment its container starts. */
  engine: Engine | undefined;
  /** Where keys and values leave a prefill engine. */
  link: KvLink | undefined;
  /** The engine has loaded its model: `/health` answers 200. */
  loaded = false;
  /** Takes traffic. */
  ready = false;
  restarts = 0;
  probeFailures = 0;
  /** The next stage of its start, and the next probe. */
  stageToken: EventToken = NO_EVENT;
  probeToken: EventToken = NO_EVENT;

  constructor(index: number, name: string, slot: PodSlot, createdAt: Micros) {
    this.index = index;
    this.name = name;
    this.deployment = slot.deployment;
    this.instance = slot.instance;
    this.unit = slot.unit;
    this.replica = slot.replica;
    this.place = slot.place;
    this.slot = slot.name;
    this.createdAt = createdAt;
    this.pullingSince = createdAt;
  }
}

/** A pod's place in a deployment, which outlives its pods: what an upstream list names. */
export interface PodSlot {
  /** `service/deployment/instance`, and of a disaggregated deployment `/unit-replica`. */
  readonly name: string;
  readonly deployment: Deployment;
  readonly instance: number;
  readonly unit: UnitSpec;
  readonly replica: number;
  readonly place: number;
}

/** The slots of a deployment, in order: instance by instance, unit by unit, replica by replica. */
export function slotsOf(deployment: Deployment): PodSlot[] {
  const { spec, service } = deployment;
  const slots: PodSlot[] = [];
  for (let instance = 0; instance < spec.instances; instance++) {
    const base = `${service.spec.name}/${spec.name}/${instance}`;
    for (const unit of spec.units) {
      for (let replica = 0; replica < unit.replicas; replica++) {
        const name = unit.role === 'common' ? base : `${base}/${unit.name}-${replica}`;
        slots.push({ name, deployment, instance, unit, replica, place: slots.length });
      }
    }
  }
  return slots;
}
