import type { Cluster } from '../cluster/index.ts';
import { after, type EventKind, formatDuration, type Kernel, type Micros, Priority } from '../kernel/index.ts';
import { type EventLog, INIT_CONTAINER_ERRORS } from '../telemetry/index.ts';
import { backOff, mountBackOff, type Timings } from './durations.ts';
import type { Pod } from './pod.ts';
import {
  downloadMicros,
  hasFiles,
  initProblem,
  mountProblem,
  needsInit,
  pullMicros,
  pullProblem,
  startProblem,
  weightGiB,
} from './pod-preparation.ts';
import type { Surroundings } from './surroundings.ts';

/** What comes of the way up. */
export interface StagesListener {
  /** Its container runs. */
  running(pod: Pod): void;
  /** A stage has failed again and again. */
  troubled(pod: Pod, why: string): void;
}

/** Failures in a row of a pull or a start that mean that it will never succeed. */
const TROUBLED_AFTER = 3;

/** What a pod comes to after a time. */
const Stage = { mount: 0, mounted: 1, initialize: 2, initialized: 3, pull: 4, pulled: 5, start: 6 } as const;

/**
 * The way of a pod from its node to a running container: volumes, init container, image, container, in the order of
 * the kubelet and of the guide's Table 1-55. Each stage is one event and leaves the trail that the platform leaves.
 * What fails is tried again, later and later, until it succeeds or somebody gives the pod up.
 */
export class PodStages {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  readonly #events: EventLog;
  readonly #timings: Timings;
  readonly #around: Surroundings;
  readonly #listener: StagesListener;
  readonly #stage: EventKind;

  constructor(
    ports: {
      readonly kernel: Kernel;
      readonly cluster: Cluster;
      readonly events: EventLog;
      readonly timings: Timings;
      readonly around: Surroundings;
      readonly pods: readonly Pod[];
    },
    listener: StagesListener,
  ) {
    const { kernel, pods } = ports;
    this.#kernel = kernel;
    this.#cluster = ports.cluster;
    this.#events = ports.events;
    this.#timings = ports.timings;
    this.#around = ports.around;
    this.#listener = listener;
    const stages: Readonly<Record<number, (pod: Pod) => void>> = {
      [Stage.mount]: (pod) => this.#mount(pod),
      [Stage.mounted]: (pod) => this.#onMounted(pod),
      [Stage.initialize]: (pod) => this.#initialize(pod),
      [Stage.initialized]: (pod) => this.#onInitialized(pod),
      [Stage.pull]: (pod) => this.#pull(pod),
      [Stage.pulled]: (pod) => this.#onPulled(pod),
      [Stage.start]: (pod) => this.#start(pod),
    };
    this.#stage = kernel.kind('platform/pod-stage', Priority.control, (index, stage) => stages[stage]!(pods[index]!));
  }

  /** A pod has its node. */
  begin(pod: Pod): void {
    pod.failures = 0;
    this.#mount(pod);
  }

  /** Starts the container of a pod that has all it needs, after so long. */
  restart(pod: Pod, wait: number): void {
    this.#after(pod, wait + this.#timings.containerStart, Stage.start);
  }

  #mount(pod: Pod): void {
    pod.phase = 'mounting';
    const problem = mountProblem(pod, this.#cluster, this.#around);
    if (problem === undefined) this.#after(pod, this.#timings.mount, Stage.mounted);
    else this.#failMount(pod, problem);
  }

  #failMount(pod: Pod, problem: string): void {
    pod.phase = 'mounting';
    this.#events.pod(pod.name, 'FailedMount', problem);
    this.#warn(pod, 'podMountFailed');
    pod.failures++;
    this.#after(pod, mountBackOff(pod.failures), Stage.mount);
  }

  #onMounted(pod: Pod): void {
    pod.failures = 0;
    this.#events.pod(pod.name, 'SuccessfulMountVolume');
    this.#initialize(pod);
  }

  #initialize(pod: Pod): void {
    if (!needsInit(pod)) {
      this.#pull(pod);
      return;
    }
    pod.phase = 'initializing';
    const problem = initProblem(pod, this.#cluster, this.#around);
    if (problem !== undefined) this.#failInit(pod, problem);
    else this.#after(pod, downloadMicros(pod, this.#timings, this.#around), Stage.initialized);
  }

  #onInitialized(pod: Pod): void {
    const { node } = pod.placement!;
    const { kind, address } = pod.unit.storage;
    if (!hasFiles(pod) && this.#around.isDown(kind)) {
      this.#failInit(pod, kind === 'sfs-turbo' ? 'sfsTurboAccessTimeout' : 'obsDownloadError');
    } else if (kind !== 'pre-warmed' && !node.cache(address, weightGiB(pod.unit))) {
      // Something else has filled the disk meanwhile.
      this.#failInit(pod, 'obsSystemError');
    } else {
      pod.failures = 0;
      this.#pull(pod);
    }
  }

  #failInit(pod: Pod, error: keyof typeof INIT_CONTAINER_ERRORS): void {
    const { code, message } = INIT_CONTAINER_ERRORS[error];
    this.#events.pod(pod.name, 'InferInitContainerFailed', code, message);
    this.#events.service(pod.deployment.service.name, 'modelConfigurationFailed', pod.unit.name, message);
    pod.failures++;
    this.#after(pod, backOff(pod.failures), Stage.initialize);
  }

  #pull(pod: Pod): void {
    const { image } = pod.unit;
    const { node } = pod.placement!;
    pod.phase = 'pulling';
    pod.stageSince = this.#kernel.now;
    if (node.hasImage(image.name)) {
      this.#events.pod(pod.name, 'Pulled', `${image.name} is present on ${node.name}.`);
      this.#create(pod);
      return;
    }
    const problem = pullProblem(pod, this.#around);
    if (problem !== undefined) {
      this.#events.pod(pod.name, pod.failures === 0 ? 'FailedPullImage' : 'BackOffPullImage', problem);
      this.#warn(pod, 'podImagePullFailed');
      this.#retry(pod, ++pod.failures, Stage.pull, problem);
      return;
    }
    this.#events.pod(pod.name, 'Pulling', `${image.name}, ${image.sizeGiB} GiB.`);
    this.#after(pod, pullMicros(pod, this.#timings, this.#around), Stage.pulled);
  }

  #onPulled(pod: Pod): void {
    const { image } = pod.unit;
    pod.placement!.node.keepImage(image.name);
    const took = formatDuration((this.#kernel.now - pod.stageSince) as Micros);
    this.#events.pod(pod.name, 'Pulled', `${image.name} in ${took}.`);
    pod.failures = 0;
    this.#create(pod);
  }

  #create(pod: Pod): void {
    pod.phase = 'starting';
    this.#events.pod(pod.name, 'SuccessfulCreate');
    this.restart(pod, 0);
  }

  /** What the container had when it last started may be gone: a secret (guide 3828), storage, files on the node (guide 3736). */
  #start(pod: Pod): void {
    const unmounted = mountProblem(pod, this.#cluster, this.#around);
    if (unmounted !== undefined) {
      this.#failMount(pod, unmounted);
      return;
    }
    if (needsInit(pod) && !hasFiles(pod)) {
      this.#initialize(pod);
      return;
    }
    const problem = startProblem(pod);
    if (problem === undefined) {
      this.#listener.running(pod);
      return;
    }
    pod.phase = 'waiting';
    const sentence = `${problem[0]!.toUpperCase()}${problem.slice(1)}`;
    this.#events.pod(pod.name, 'BackOffStart', sentence);
    this.#warn(pod, 'podStartFailed');
    if (pod.crashes > 0) this.#events.pod(pod.name, 'CrashLoopBackOff', sentence);
    this.#retry(pod, ++pod.crashes, Stage.start, problem);
  }

  #retry(pod: Pod, failures: number, stage: number, problem: string): void {
    this.#after(pod, backOff(failures), stage);
    if (failures >= TROUBLED_AFTER) this.#listener.troubled(pod, problem);
  }

  #warn(pod: Pod, reason: 'podImagePullFailed' | 'podMountFailed' | 'podStartFailed'): void {
    this.#events.service(pod.deployment.service.name, reason, pod.deployment.name);
  }

  #after(pod: Pod, delay: number, stage: number): void {
    const at = after(this.#kernel.now, Math.round(delay) as Micros);
    pod.stageToken = this.#kernel.schedule(this.#stage, at, pod.index, stage);
  }
}
