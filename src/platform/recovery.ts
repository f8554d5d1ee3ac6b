import type { Fleet } from './fleet.ts';
import type { Pod } from './pod.ts';
import type { RebuildScope } from './spec.ts';

type How = 'graceful' | 'forced';

/** What recovery does to pods. */
export interface RecoveryActions {
  /** Starts a container again in its place. */
  readonly restart: (pod: Pod) => void;
  /** Starts a lost pod again on its node, which is back. */
  readonly recover: (pod: Pod) => void;
  readonly terminate: (pod: Pod, why: string, how: How) => void;
  /** Something about the pod's deployment is different. */
  readonly touch: (pod: Pod) => void;
}

/**
 * Auto rebuild and auto restart. A container that goes down is started again in its place, with back-off; where auto
 * rebuild is on, pods are made anew instead, as many as its scope says (guide 4163-4182). Where the hardware is at
 * fault, auto restart moves the pods to other nodes (guide 4133).
 */
export class Recovery {
  readonly #fleet: Fleet;
  readonly #actions: RecoveryActions;

  constructor(fleet: Fleet, actions: RecoveryActions) {
    this.#fleet = fleet;
    this.#actions = actions;
  }

  /**
   * A container is down that should be up. Auto rebuild is for services that have come to run (guide 4189): while a
   * deployment is being brought up its containers are started again in their places.
   */
  down(pod: Pod, why: string): void {
    const { autoRebuild } = pod.unit;
    const { rollout } = pod.deployment;
    const broughtUp = rollout?.kind === 'create' || rollout?.kind === 'start';
    if (autoRebuild === undefined || broughtUp) this.#actions.restart(pod);
    else this.rebuild(pod, autoRebuild, why);
  }

  /**
   * Makes a pod anew, and what its scope adds, which ends gracefully as far as it can. All but a whole deployment
   * replica wait for the containers to end (guide 4185).
   */
  rebuild(pod: Pod, scope: RebuildScope, why: string, how: How = 'forced'): void {
    if (scope === 'deployment-replica') this.#fleet.leave(pod.instance, why);
    const pods = within(scope, pod);
    for (const each of pods) each.replaced = true;
    for (const each of pods) this.#actions.terminate(each, why, each === pod ? how : endOf(each));
    this.#actions.touch(pod);
  }

  /** Takes a pod off hardware that is at fault, where one of the two is on: at once, as nothing there can finish. */
  evict(pod: Pod, why: string): void {
    const { autoRestart, autoRebuild } = pod.unit;
    if (autoRestart || autoRebuild !== undefined) this.rebuild(pod, scopeOf(pod), why);
  }

  /** Takes a pod off a node that is to be empty. */
  move(pod: Pod, why: string): void {
    this.rebuild(pod, scopeOf(pod), why, endOf(pod));
  }

  /** The node of a lost pod is back, and the pod restarts with it. */
  back(pod: Pod): void {
    const { autoRebuild } = pod.unit;
    if (autoRebuild === undefined) this.#actions.recover(pod);
    else this.rebuild(pod, autoRebuild, 'Its node was gone.');
  }

  /** A pod that was to be replaced is gone: once all that go together have gone, new ones take their places. */
  replace(pod: Pod): void {
    if (pod.instance.leaving) return;
    const together = within(pod.unit.autoRebuild === 'unit' ? 'unit' : 'unit-replica', pod);
    if (together.some(({ replaced, phase }) => replaced && phase !== 'terminated')) return;
    for (const replica of new Set(together.map((each) => each.replica))) {
      for (const [rank, each] of replica.pods.entries()) {
        if (each?.phase === 'terminated') replica.pods[rank] = undefined;
      }
      this.#fleet.createPods(replica);
    }
  }
}

/** By what it was told; else the pods of its engine, which are of no use without each other. */
function scopeOf({ unit, replica }: Pod): RebuildScope {
  return unit.autoRebuild ?? (replica.leader.group.length > 1 ? 'unit-replica' : 'pod');
}

/** The pods that a scope means. Those of one engine agree on their ranks: whoever is more than a pod has them all (guide 4176). */
function within(scope: RebuildScope, pod: Pod): Pod[] {
  if (scope === 'pod') return [pod];
  const { instance, replica, unit } = pod;
  if (scope === 'deployment-replica') return instance.pods;
  return instance.pods.filter(
    (each) => each.replica.leader === replica.leader || (scope === 'unit' && each.unit === unit),
  );
}

/** What is lost or stalled has nothing to finish, and waiting for it would only take time. */
function endOf({ phase, stalls }: Pod): How {
  return phase === 'lost' || stalls.size > 0 ? 'forced' : 'graceful';
}
