import type { Cluster, Placement } from '../cluster/index.ts';
import { after, type EventKind, type Kernel, type Micros, Priority } from '../kernel/index.ts';
import type { EventLog } from '../telemetry/index.ts';
import { BACK_OFF_RESET, backOff, type Timings } from './durations.ts';
import { EngineGroups } from './engine-groups.ts';
import type { Pod } from './pod.ts';
import { canShutDown } from './pod-preparation.ts';
import { PodStages } from './pod-stages.ts';
import { Prober } from './prober.ts';
import type { ProbeKind } from './probes.ts';
import type { Surroundings } from './surroundings.ts';
import type { UnitReplica } from './unit-replica.ts';

/** What pods' lives bring about elsewhere. */
export interface LifecycleListener {
  /** Whether pods take traffic, or are up, may be different. */
  changed(pod: Pod): void;
  /** A container is down that should be up. Whoever hears it starts it again, or has the pod rebuilt. */
  down(pod: Pod, why: string): void;
  /** A stage has failed again and again. */
  troubled(pod: Pod, why: string): void;
  /** A startup probe has failed as often as it may. */
  startupFailed(pod: Pod, why: string): void;
  /** A pod is gone for good. */
  gone(pod: Pod): void;
  /** All containers of an engine run. */
  startEngine(replica: UnitReplica): void;
}

/**
 * Pods' lives: the way up to a running container, its engine and probes, its restarts, and its end: shutdown command,
 * requests in flight, grace.
 */
export class PodLifecycle {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  readonly #events: EventLog;
  readonly #listener: LifecycleListener;
  readonly #stages: PodStages;
  readonly #prober: Prober;
  readonly engines: EngineGroups;
  readonly #ended: EventKind;
  readonly #graceOver: EventKind;
  readonly #drained: EventKind;

  constructor(
    ports: {
      readonly kernel: Kernel;
      readonly cluster: Cluster;
      readonly events: EventLog;
      readonly timings: Timings;
      readonly around: Surroundings;
      readonly pods: readonly Pod[];
      readonly replicas: readonly UnitReplica[];
    },
    listener: LifecycleListener,
  ) {
    const { kernel, pods, replicas } = ports;
    this.#kernel = kernel;
    this.#cluster = ports.cluster;
    this.#events = ports.events;
    this.#listener = listener;
    this.#stages = new PodStages(ports, {
      running: (pod) => this.#onRunning(pod),
      troubled: (pod, why) => listener.troubled(pod, why),
    });
    this.#prober = new Prober(kernel, ports.events, pods, {
      passed: (pod, kind) => this.#onProbePassed(pod, kind),
      failed: (pod, kind) => this.#onProbeFailed(pod, kind),
    });
    this.engines = new EngineGroups(kernel, ports.timings, ports.around, replicas, {
      startEngine: (replica) => listener.startEngine(replica),
      healthChanged: (pod) => this.#prober.healthChanged(pod),
      changed: (pod) => listener.changed(pod),
    });
    this.#ended = kernel.kind('platform/container-ended', Priority.control, (index) => {
      const pod = pods[index]!;
      listener.down(pod, pod.lastEnd);
    });
    this.#graceOver = kernel.kind('platform/grace-over', Priority.control, (index) => this.#gone(pods[index]!));
    this.#drained = kernel.kind('platform/drained', Priority.control, (index) => this.#endIfDrained(pods[index]!));
  }

  /** A pod has its node. */
  place(pod: Pod, placement: Placement): void {
    pod.placement = placement;
    setUnproven(pod);
    if (pod.started) this.#listener.changed(pod);
    this.#stages.begin(pod);
  }

  /** The container of a running pod ends with an error. */
  crash(pod: Pod, why: string): void {
    if (pod.phase === 'running') this.#containerDown(pod, why);
  }

  /** Starts a container that is down again: at once, and after each further failure in a row later. */
  restart(pod: Pod): void {
    pod.restarts++;
    pod.crashes++;
    if (pod.crashes > 1) {
      this.#events.pod(pod.name, 'CrashLoopBackOff', `${pod.lastEnd} Restarted ${pod.restarts} times.`);
    }
    this.#stages.restart(pod, pod.crashes > 1 ? backOff(pod.crashes - 1) : 0);
  }

  /** Its node is gone, and the container with it. Nobody knows yet. */
  lose(pod: Pod): void {
    if (pod.phase === 'pending' || pod.phase === 'terminated') return;
    const terminating = pod.phase === 'terminating';
    this.#stopContainer(pod, 'lost');
    if (terminating) this.#gone(pod);
  }

  /** The platform has noticed that a pod is lost: it takes it out of traffic. */
  noticeLost(pod: Pod): void {
    if (pod.phase === 'lost') this.#setDown(pod);
  }

  /** The platform has noticed that the node of a pod cannot be reached, or can again. */
  setReach(pod: Pod, reached: boolean): void {
    pod.outOfReach = !reached;
    this.#listener.changed(pod);
  }

  /** The node of a lost pod is back: it starts there again, with what the node has kept. */
  recover(pod: Pod): void {
    if (pod.phase !== 'lost') return;
    this.#setDown(pod);
    pod.restarts++;
    this.place(pod, pod.placement!);
  }

  /**
   * Ends a pod. Gracefully, it takes no new requests, runs its shutdown command and finishes those in flight, within
   * its grace. What has no graceful shutdown, or does not run, ends at once; so does what cannot run its command
   * (guide 3966).
   */
  terminate(pod: Pod, why: string, how: 'graceful' | 'forced'): void {
    if (pod.phase === 'terminated') return;
    if (pod.phase === 'terminating') {
      if (how === 'forced') this.#gone(pod);
      return;
    }
    // Nobody can say that a lost pod has ended, until its node is back.
    const waitsForNode = pod.phase === 'lost' && how === 'graceful';
    const asked = how === 'graceful' && pod.phase === 'running' && pod.unit.gracefulShutdown !== undefined;
    const graceful = asked && canShutDown(pod);
    this.#events.pod(pod.name, 'Killing', asked && !graceful ? `${why} Its shutdown command failed.` : why);
    this.#kernel.cancel(pod.stageToken);
    this.#prober.stop(pod);
    pod.phase = 'terminating';
    pod.ready = false;
    this.#listener.changed(pod);
    if (waitsForNode) return;
    if (!graceful) this.#gone(pod);
    // Pods of a replica end in two batches: the first, which has the requests, before the others (guide 4185).
    else if (pod.rank > 0 && pod.replica.pods[0]?.grace === 'runs') pod.grace = 'waits';
    else this.#beginGrace(pod);
  }

  /** A request of one of these pods has ended: one that is on its way out may be done. */
  sequenceEnded(replica: UnitReplica): void {
    for (const pod of replica.instance.pods) {
      if (pod.grace === 'runs') this.#kernel.schedule(this.#drained, this.#kernel.now, pod.index);
    }
  }

  #onRunning(pod: Pod): void {
    pod.phase = 'running';
    pod.runningSince = this.#kernel.now;
    pod.stale = false;
    this.#events.pod(pod.name, 'Started');
    setUnproven(pod);
    this.#listener.changed(pod);
    this.#prober.begin(pod);
    this.engines.form(pod.replica);
  }

  #onProbePassed(pod: Pod, kind: ProbeKind): void {
    pod.unwell = false;
    const last = pod.unit.probes.readiness === undefined ? 'startup' : 'readiness';
    if (kind === last) {
      pod.started = true;
      pod.ready = true;
    }
    this.#listener.changed(pod);
  }

  /** Guide 4078-4083: out of traffic when not ready; started again when it does not come up or has died. */
  #onProbeFailed(pod: Pod, kind: ProbeKind): void {
    pod.unwell = true;
    if (kind === 'readiness') {
      pod.ready = false;
      this.#listener.changed(pod);
      return;
    }
    const why = kind === 'startup' ? 'Its startup probe failed too often.' : 'Its liveness probe failed too often.';
    this.#events.pod(pod.name, 'Killing', why);
    if (kind === 'startup') this.#listener.startupFailed(pod, why);
    this.#containerDown(pod, why, shutdownTakes(pod));
  }

  /** @param takes from its end, for whom it serves, to its having ended */
  #containerDown(pod: Pod, why: string, takes = 0 as Micros): void {
    const { now } = this.#kernel;
    if (now - pod.runningSince >= BACK_OFF_RESET) pod.crashes = 0;
    pod.lastEnd = why;
    this.#stopContainer(pod, 'waiting');
    this.#setDown(pod);
    if (takes > 0) pod.stageToken = this.#kernel.schedule(this.#ended, after(now, takes), pod.index);
    else this.#listener.down(pod, why);
  }

  #stopContainer(pod: Pod, phase: 'waiting' | 'lost'): void {
    this.#kernel.cancel(pod.stageToken);
    this.#prober.stop(pod);
    pod.phase = phase;
    this.engines.break(pod);
  }

  #setDown(pod: Pod): void {
    pod.ready = false;
    pod.started = false;
    this.#listener.changed(pod);
  }

  #beginGrace(pod: Pod): void {
    const { timeout, commandTakes } = pod.unit.gracefulShutdown!;
    const { now } = this.#kernel;
    pod.grace = 'runs';
    pod.instance.draining = true;
    pod.stageSince = now;
    pod.stageToken = this.#kernel.schedule(this.#graceOver, after(now, timeout), pod.index);
    this.#kernel.schedule(this.#drained, after(now, commandTakes), pod.index);
  }

  #endIfDrained(pod: Pod): void {
    if (pod.grace !== 'runs') return;
    const { leader, instance } = pod.replica;
    const { commandTakes } = pod.unit.gracefulShutdown!;
    const busy = instance.leaving ? instance.load > 0 : leader.load > 0;
    if (busy || leader.stalled || this.#kernel.now < pod.stageSince + commandTakes) return;
    this.#gone(pod);
  }

  #gone(pod: Pod): void {
    this.#kernel.cancel(pod.stageToken);
    this.engines.break(pod);
    pod.phase = 'terminated';
    pod.grace = undefined;
    pod.stalls.clear();
    if (pod.placement !== undefined) this.#cluster.release(pod.name);
    if (pod.rank === 0) for (const other of pod.replica.pods) if (other?.grace === 'waits') this.#beginGrace(other);
    this.#listener.gone(pod);
  }
}

/** Guide 4078: without a startup probe a pod counts as started as soon as it has a node, and calls fail while the model loads. */
function setUnproven(pod: Pod): void {
  const { startup, readiness } = pod.unit.probes;
  pod.started = startup === undefined;
  pod.ready = pod.started && readiness === undefined;
}

/** Guide 426: a container that fails its check runs its shutdown command before it is started again. */
function shutdownTakes(pod: Pod): Micros {
  const { gracefulShutdown } = pod.unit;
  if (gracefulShutdown === undefined || !canShutDown(pod)) return 0 as Micros;
  return Math.min(gracefulShutdown.commandTakes, gracefulShutdown.timeout) as Micros;
}
