import type { Node } from '../cluster/index.ts';
import { after, type EventKind, type Kernel, type Micros, Priority } from '../kernel/index.ts';
import type { Timings } from './durations.ts';
import type { Pod, StallKind } from './pod.ts';
import { loadMicros } from './pod-preparation.ts';
import type { AnyUnitSpec } from './spec.ts';
import { coLocationSlowdown } from './step-time.ts';
import type { Surroundings } from './surroundings.ts';
import type { UnitReplica } from './unit-replica.ts';

/** What becomes of engines concerns others too. */
export interface EngineGroupListener {
  /** All containers of an engine run. */
  startEngine(replica: UnitReplica): void;
  /** What a probe of this container hears may be different from now on. */
  healthChanged(pod: Pod): void;
  /** It may take traffic, or no longer. */
  changed(pod: Pod): void;
}

/** Engines and the containers that make them up: one begins when all of its containers run, and ends with any of them. */
export class EngineGroups {
  readonly #kernel: Kernel;
  readonly #timings: Timings;
  readonly #around: Surroundings;
  readonly #listener: EngineGroupListener;
  readonly #replicas: readonly UnitReplica[];
  readonly #load: EventKind;

  constructor(
    kernel: Kernel,
    timings: Timings,
    around: Surroundings,
    replicas: readonly UnitReplica[],
    listener: EngineGroupListener,
  ) {
    this.#kernel = kernel;
    this.#timings = timings;
    this.#around = around;
    this.#replicas = replicas;
    this.#listener = listener;
    this.#load = kernel.kind('platform/model-loaded', Priority.control, (index) => this.#onLoaded(replicas[index]!));
  }

  /** A container runs: its engine starts if it was the last, and none is stuck with one that is gone. */
  form({ leader }: UnitReplica): void {
    if (leader.engine?.alive === true) return;
    if (!leader.group.every((pod) => pod?.phase === 'running' && !pod.stale)) return;
    this.#listener.startEngine(leader);
    this.#refreshSpeeds(leader);
    if (leader.stalled) leader.engine!.setStalled(true);
    const load = loadMicros(leader.pods[0]!, this.#timings, this.#around);
    leader.loadToken = this.#kernel.schedule(this.#load, after(this.#kernel.now, load as Micros), leader.index);
  }

  /** A container is gone: so is its engine, and the other containers wait for it until they are started anew. */
  break(pod: Pod): void {
    const { leader } = pod.replica;
    for (const [by, kind] of pod.stalls) if (kind === 'process') pod.stalls.delete(by);
    const ran = leader.engine?.alive === true;
    this.#kernel.cancel(leader.loadToken);
    leader.loaded = false;
    leader.engine?.die();
    if (ran) this.#refreshSpeeds(leader);
    for (const other of leader.group) {
      if (other === undefined || other === pod || other.phase !== 'running' || !ran) continue;
      other.stale = true;
      this.#listener.healthChanged(other);
    }
  }

  /** Faults make its steps take so many times as long. */
  slow({ leader }: UnitReplica, factor: number): void {
    leader.slowdown = factor;
    this.#setSpeed(leader);
  }

  /** Something stalls a pod, or, without a kind, does so no longer: its engine with it. */
  stall(pod: Pod, by: object, kind: StallKind | undefined): void {
    if (kind === undefined) pod.stalls.delete(by);
    else pod.stalls.set(by, kind);
    const { leader } = pod.replica;
    leader.engine?.setStalled(leader.stalled);
    for (const each of leader.group) if (each !== undefined) this.#listener.healthChanged(each);
  }

  /** An engine has begun or ended: those beside it run differently from now on. */
  #refreshSpeeds(leader: UnitReplica): void {
    const nodes = nodesOf(leader);
    for (const other of this.#replicas) {
      if (other.leader !== other || other.unit.engine?.interference === undefined) continue;
      if (other === leader || nodesOf(other).some((node) => nodes.includes(node))) this.#setSpeed(other);
    }
  }

  #setSpeed(replica: UnitReplica): void {
    const { engine, unit, slowdown } = replica;
    if (engine?.alive !== true) return;
    if (unit.engine?.interference === undefined) {
      engine.slowDown(slowdown);
      return;
    }
    // The slowest of its devices sets the pace: those on the node with the most neighbours.
    const neighbours = nodesOf(replica).map((node) => this.#enginesOn(node) - 1);
    engine.slowDown(slowdown * coLocationSlowdown(unit.engine, Math.max(0, ...neighbours)));
  }

  #enginesOn(node: Node): number {
    return this.#replicas.filter((each) => each.engine?.alive === true && nodesOf(each).includes(node)).length;
  }

  #onLoaded(leader: UnitReplica): void {
    // Guide 686: at a port that the image does not listen on nobody answers, neither requests nor checks.
    if (!listensWhereAsked(leader.unit)) return;
    leader.loaded = true;
    for (const pod of leader.group) {
      this.#listener.healthChanged(pod!);
      this.#listener.changed(pod!);
    }
  }
}

function listensWhereAsked({ image, containerPort }: AnyUnitSpec): boolean {
  return (containerPort ?? image.port) === (image.port ?? containerPort);
}

/** The nodes that an engine has devices on. */
function nodesOf(replica: UnitReplica): Node[] {
  return replica.group.flatMap((pod) => (pod?.placement === undefined ? [] : [pod.placement.node]));
}
