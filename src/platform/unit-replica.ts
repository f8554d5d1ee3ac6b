import { Engine, type KvLink, type ServingProcess } from '../engine/index.ts';
import { type EventToken, NO_EVENT } from '../kernel/index.ts';
import { modelUnitOf } from './application.ts';
import type { Instance } from './instance.ts';
import type { Pod } from './pod.ts';
import type { AnyUnitSpec, UnitRole, UnitSpec } from './spec.ts';
import { unitParallelism } from './step-time.ts';

/**
 * A replica of a unit: the pods that are placed together and run one engine. In a co-located deployment with workers
 * the master's engine has the pods of the workers' replicas as well.
 */
export class UnitReplica {
  readonly index: number;
  readonly instance: Instance;
  readonly unit: AnyUnitSpec;
  /** Among the replicas of its unit in its instance, from 0. */
  readonly number: number;
  /** Its place among all that take requests in the deployment: rises with the instance's, the unit's and its own number. */
  readonly place: number;
  /** `service/deployment/instance`, and of several replicas `/unit-number`: what an upstream list names. */
  readonly slot: string;
  /** Its pods, by rank. */
  readonly pods: (Pod | undefined)[];
  /** The replica whose engine it is part of: itself, or the master's. */
  leader: UnitReplica = this;
  /** Those that are part of its engine, itself first. */
  members: UnitReplica[] = [this];
  /** The serving process, from the moment all its containers run. */
  engine: ServingProcess | undefined;
  /** Where keys and values leave a prefill engine. */
  link: KvLink | undefined;
  /** The engine has loaded its model: `/health` answers 200. */
  loaded = false;
  /** Its steps take so many times as long, by faults. */
  slowdown = 1;
  /** The end of loading. */
  loadToken: EventToken = NO_EVENT;

  constructor(index: number, instance: Instance, unit: AnyUnitSpec, number: number, place: number, slot: string) {
    this.index = index;
    this.instance = instance;
    this.unit = unit;
    this.number = number;
    this.place = place;
    this.slot = slot;
    this.pods = new Array<Pod | undefined>(unit.pods ?? 1).fill(undefined);
  }

  get name(): string {
    return this.pods[0]?.name ?? this.slot;
  }

  get role(): UnitRole {
    return this.unit.role;
  }

  get deployment() {
    return this.instance.deployment;
  }

  /** All pods of its engine; undefined where one is missing. */
  get group(): (Pod | undefined)[] {
    return this.members.flatMap(({ pods }) => pods);
  }

  /** The unit as its engine sees it: with the pods of all members. */
  get engineUnit(): AnyUnitSpec {
    return { ...this.unit, pods: this.group.length };
  }

  /** The unit, which serves a model; to be asked only where nothing else can be. */
  get modelUnit(): UnitSpec {
    return modelUnitOf(this.unit);
  }

  /** Its engine, where it has started and serves a model. */
  get modelEngine(): Engine | undefined {
    return this.engine instanceof Engine ? this.engine : undefined;
  }

  /** Every pod of its engine takes traffic. */
  get ready(): boolean {
    return this.members.every(({ pods }) => pods.every((pod) => pod?.ready === true));
  }

  /** Devices that hold one stage's share of the heads of one attention rank: the width of tensor parallelism. */
  get tensorWidth(): number {
    const { devices, stages, attentionRanks } = unitParallelism(
      { ...this.modelUnit, pods: this.group.length },
      this.pods[0]!.placement!.node.flavor,
    );
    return devices / stages / attentionRanks;
  }

  /** Something keeps its engine from computing: one pod that does not holds up all. */
  get stalled(): boolean {
    return this.leader.group.some((pod) => pod !== undefined && pod.stalls.size > 0);
  }

  /** Its engine answers nothing, not even on its own node: what only cuts that node off does not hinder its probes. */
  get hangs(): boolean {
    return this.leader.group.some(
      (pod) => pod !== undefined && [...pod.stalls.values()].some((by) => by !== 'network'),
    );
  }

  /** Its engine can take a request now. */
  get serves(): boolean {
    return this.loaded && !this.stalled && this.engine?.alive === true;
  }

  /** Requests that its engine works on. */
  get load(): number {
    if (this.engine?.alive !== true) return 0;
    const { running, waiting } = this.engine.figures();
    return running + waiting;
  }
}
