import type { Placement } from '../cluster/index.ts';
import type { Engine } from '../engine/index.ts';
import { type EventToken, type Micros, NO_EVENT } from '../kernel/index.ts';
import type { Deployment } from './deployment.ts';

/** A pod's life, in order; `terminated` is final. */
export type PodPhase = 'pending' | 'pulling' | 'creating' | 'running' | 'terminated';

/** One pod: a place on a node, and in it the container of an engine. */
export class Pod {
  readonly index: number;
  readonly name: string;
  readonly deployment: Deployment;
  /** The deployment replica whose place it holds, from 0. */
  readonly instance: number;
  readonly createdAt: Micros;
  phase: PodPhase = 'pending';
  placement: Placement | undefined;
  /** The serving process, from the moment its container starts. */
  engine: Engine | undefined;
  /** The engine has loaded its model: `/health` answers 200. */
  loaded = false;
  /** Takes traffic. */
  ready = false;
  restarts = 0;
  probeFailures = 0;
  /** The next stage of its start, and the next probe. */
  stageToken: EventToken = NO_EVENT;
  probeToken: EventToken = NO_EVENT;

  constructor(index: number, name: string, deployment: Deployment, instance: number, createdAt: Micros) {
    this.index = index;
    this.name = name;
    this.deployment = deployment;
    this.instance = instance;
    this.createdAt = createdAt;
  }

  /** The instance's slot, which outlives its pods: what an upstream list names. */
  get slot(): string {
    return slotName(this.deployment.service.spec.name, this.deployment.spec.name, this.instance);
  }
}

export function slotName(service: string, deployment: string, instance: number): string {
  return `${service}/${deployment}/${instance}`;
}
