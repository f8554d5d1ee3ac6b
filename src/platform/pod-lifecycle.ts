import { GIB } from '../catalog/index.ts';
import type { Cluster } from '../cluster/index.ts';
import { type Engine, type EngineSpec, weightBytes } from '../engine/index.ts';
import {
  after,
  type EventKind,
  formatDuration,
  type Kernel,
  type Micros,
  NO_EVENT,
  Priority,
} from '../kernel/index.ts';
import type { EventLog } from '../telemetry/index.ts';
import * as duration from './durations.ts';
import { engineSpec } from './engine-spec.ts';
import type { Pod } from './pod.ts';
import { unitCheckpoint } from './step-time.ts';

/** Stages that a pod reaches after a time. */
const Stage = { retry: 0, pulled: 1, started: 2, loaded: 3 } as const;

/**
 * Brings pods from pending to ready: node, volume, image, container, model, startup probe. Each stage is one event
 * and leaves the trail that the platform leaves.
 */
export class PodLifecycle {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  readonly #events: EventLog;
  readonly #startEngine: (pod: Pod, spec: EngineSpec) => Engine;
  readonly #stage: EventKind;
  readonly #probe: EventKind;
  readonly #pods: Pod[];

  constructor(
    kernel: Kernel,
    cluster: Cluster,
    events: EventLog,
    pods: Pod[],
    startEngine: (pod: Pod, spec: EngineSpec) => Engine,
  ) {
    this.#kernel = kernel;
    this.#cluster = cluster;
    this.#events = events;
    this.#pods = pods;
    this.#startEngine = startEngine;
    this.#stage = kernel.kind('platform/pod-stage', Priority.control, (index, stage) =>
      this.#onStage(pods[index]!, stage),
    );
    this.#probe = kernel.kind('platform/startup-probe', Priority.control, (index) => this.#onProbe(pods[index]!));
  }

  /** Looks for a node; a pod that finds none keeps trying. */
  schedule(pod: Pod): void {
    const { spec, service } = pod.deployment;
    this.#kernel.cancel(pod.stageToken);
    const decision = this.#cluster.find(spec.pool, {
      resources: pod.unit.resources,
      isSibling: (name) => pod.deployment.pods.some((other) => other?.name === name),
    });
    if (decision.node === undefined) {
      this.#events.pod(pod.name, 'FailedScheduling', decision.why);
      this.#events.service(service.spec.name, 'podSchedulingFailed', spec.name);
      this.#after(pod, duration.RESCHEDULE_PERIOD, Stage.retry);
      return;
    }
    pod.placement = this.#cluster.place(pod.name, decision.node, pod.unit.resources);
    this.#events.pod(pod.name, 'Scheduled', decision.why);
    const { image } = pod.unit;
    if (decision.node.hasImage(image.name)) {
      this.#events.pod(pod.name, 'Pulled', `${image.name} is present on ${decision.node.name}.`);
      this.#create(pod);
      return;
    }
    pod.phase = 'pulling';
    pod.pullingSince = this.#kernel.now;
    this.#events.pod(pod.name, 'Pulling', `${image.name}, ${image.sizeGiB} GiB.`);
    const pull = (image.sizeGiB * GIB * 1e6) / duration.IMAGE_PULL_BANDWIDTH;
    this.#after(pod, Math.round(pull) as Micros, Stage.pulled);
  }

  /** Tries again for every pod that waits for a node: something has become free. */
  retryPending(): void {
    for (const pod of this.#pods) if (pod.phase === 'pending' && pod.stageToken !== NO_EVENT) this.schedule(pod);
  }

  /** Ends a pod at once: its engine dies, its node gets its resources back. */
  terminate(pod: Pod, why: string): void {
    if (pod.phase === 'terminated') return;
    pod.phase = 'terminated';
    this.#events.pod(pod.name, 'Killing', why);
    this.#stopContainer(pod);
    pod.placement?.node.release(pod.name);
  }

  #onStage(pod: Pod, stage: number): void {
    if (stage === Stage.retry) {
      this.schedule(pod);
    } else if (stage === Stage.pulled) {
      const { image } = pod.unit;
      pod.placement!.node.keepImage(image.name);
      this.#events.pod(
        pod.name,
        'Pulled',
        `${image.name} in ${formatDuration((this.#kernel.now - pod.pullingSince) as Micros)}.`,
      );
      this.#create(pod);
    } else if (stage === Stage.started) {
      this.#start(pod);
    } else {
      pod.loaded = true;
    }
  }

  #create(pod: Pod): void {
    pod.phase = 'creating';
    this.#events.pod(pod.name, 'SuccessfulMountVolume');
    this.#events.pod(pod.name, 'SuccessfulCreate');
    this.#after(pod, (duration.MOUNT_TIME + duration.CONTAINER_START_TIME) as Micros, Stage.started);
  }

  #start(pod: Pod): void {
    const { unit } = pod;
    pod.phase = 'running';
    pod.engine = this.#startEngine(pod, engineSpec(unit, pod.placement!.node.flavor, pod.slot));
    this.#events.pod(pod.name, 'Started');
    const load =
      duration.ENGINE_BOOT_TIME +
      Math.round((weightBytes(unit.model, unitCheckpoint(unit)) * 1e6) / duration.MODEL_LOAD_BANDWIDTH);
    this.#after(pod, load as Micros, Stage.loaded);
    const probe = unit.startupProbe;
    if (probe === undefined) {
      // Guide 4078: without a startup probe the pod counts as started, and calls fail while the model loads.
      pod.deployment.setReady(pod, true);
      return;
    }
    // Guide 4094: the delay is skipped when the interval is longer.
    const delay = probe.interval > probe.delay ? (0 as Micros) : probe.delay;
    pod.probeToken = this.#kernel.schedule(this.#probe, after(this.#kernel.now, delay), pod.index);
  }

  #onProbe(pod: Pod): void {
    const { service, spec } = pod.deployment;
    const probe = pod.unit.startupProbe!;
    if (pod.loaded) {
      pod.probeFailures = 0;
      this.#events.pod(pod.name, 'Healthy');
      pod.deployment.setReady(pod, true);
      return;
    }
    pod.probeFailures++;
    this.#events.pod(pod.name, 'Unhealthy', `Startup probe failed: GET ${probe.path}: statuscode 503.`);
    this.#events.service(service.spec.name, 'podsUnhealthy', spec.name);
    if (pod.probeFailures >= probe.failureThreshold) {
      this.#restart(pod);
    } else {
      pod.probeToken = this.#kernel.schedule(this.#probe, after(this.#kernel.now, probe.interval), pod.index);
    }
  }

  /** Guide 4078: a container whose startup probe fails is restarted in place. */
  #restart(pod: Pod): void {
    this.#events.pod(pod.name, 'Killing', 'Its startup probe failed too often.');
    this.#stopContainer(pod);
    pod.restarts++;
    pod.phase = 'creating';
    this.#after(pod, duration.CONTAINER_START_TIME, Stage.started);
  }

  #stopContainer(pod: Pod): void {
    this.#kernel.cancel(pod.stageToken);
    this.#kernel.cancel(pod.probeToken);
    pod.loaded = false;
    pod.probeFailures = 0;
    pod.deployment.setReady(pod, false);
    pod.engine?.die();
  }

  #after(pod: Pod, delay: Micros, stage: number): void {
    pod.stageToken = this.#kernel.schedule(this.#stage, after(this.#kernel.now, delay), pod.index, stage);
  }
}
