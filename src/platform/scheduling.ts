import type { Cluster, GangRequest, NodeVerdict, Pool } from '../cluster/index.ts';
import { after, type EventKind, type Kernel, type Micros, Priority } from '../kernel/index.ts';
import type { EventLog } from '../telemetry/index.ts';
import type { Timings } from './durations.ts';
import type { Pod } from './pod.ts';
import type { UnitReplica } from './unit-replica.ts';

/** Pods of a unit replica that wait for their nodes: all of them get one, or none does. */
interface Gang {
  readonly replica: UnitReplica;
  readonly pods: readonly Pod[];
  readonly order: number;
  /** A public pool's queue lets it through then. */
  readonly notBefore: Micros;
  /** Why it was last left waiting. */
  why: string;
  triedAt: Micros;
}

/**
 * The queue before the scheduler. Gangs are tried by priority, then by order of submission; one that does not fit does
 * not hold up those behind it (guide 386). Whoever waits is tried again from time to time, and whenever something has
 * become free.
 */
export class Scheduling {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  readonly #events: EventLog;
  readonly #timings: Timings;
  readonly #onPlaced: (pod: Pod, placement: ReturnType<Cluster['place']>[number]) => void;
  readonly #round: EventKind;
  #waiting: Gang[] = [];
  #count = 0;
  #roundAt: Micros | undefined;

  constructor(
    ports: {
      readonly kernel: Kernel;
      readonly cluster: Cluster;
      readonly events: EventLog;
      readonly timings: Timings;
    },
    onPlaced: (pod: Pod, placement: ReturnType<Cluster['place']>[number]) => void,
  ) {
    this.#kernel = ports.kernel;
    this.#cluster = ports.cluster;
    this.#events = ports.events;
    this.#timings = ports.timings;
    this.#onPlaced = onPlaced;
    this.#round = ports.kernel.kind('platform/schedule', Priority.control, () => this.#tryAll());
  }

  /** Puts pods of a replica in the queue, together. */
  submit(replica: UnitReplica, pods: readonly Pod[]): void {
    const { queueDelay = 0 as Micros } = this.#cluster.pool(replica.instance.version.spec.pool).spec;
    const notBefore = after(this.#kernel.now, queueDelay);
    const waiting = { replica, pods, order: this.#count++, notBefore, why: '', triedAt: this.#kernel.now };
    this.#waiting.push(waiting);
    this.#tryAt(notBefore);
  }

  /** Something has become free, or is in another state. */
  retry(): void {
    if (this.#waiting.length > 0) this.#tryAt(this.#kernel.now);
  }

  #tryAt(at: Micros): void {
    if (this.#roundAt !== undefined && this.#roundAt <= at) return;
    this.#roundAt = at;
    this.#kernel.schedule(this.#round, at);
  }

  #tryAll(): void {
    if (this.#roundAt !== this.#kernel.now) return;
    this.#roundAt = undefined;
    this.#waiting = this.#waiting.filter(({ pods }) => pods.some(({ phase }) => phase === 'pending'));
    const inOrder = [...this.#waiting].sort(
      (one, other) => this.#priorityOf(other) - this.#priorityOf(one) || one.order - other.order,
    );
    const left = new Set(inOrder.filter((gang) => !this.#place(gang)));
    this.#waiting = this.#waiting.filter((gang) => left.has(gang));
    if (this.#waiting.length > 0) this.#tryAt(this.#nextRound());
  }

  /** By the clock, or earlier when a public pool's queue lets somebody through. */
  #nextRound(): Micros {
    const { now } = this.#kernel;
    const later = this.#waiting.map(({ notBefore }) => notBefore).filter((at) => at > now);
    return Math.min(after(now, this.#timings.reschedule), ...later) as Micros;
  }

  /** Of dedicated pools only: in a public pool everybody waits for his turn (guide 380, 386). */
  #priorityOf({ replica }: Gang): number {
    const { pool, priority } = replica.instance.version.spec;
    return this.#cluster.pool(pool).type === 'dedicated' ? priority : 0;
  }

  #place(gang: Gang): boolean {
    const { replica, notBefore } = gang;
    const pods = gang.pods.filter(({ phase }) => phase === 'pending');
    if (notBefore > this.#kernel.now) return false;
    const { deployment } = replica;
    const pool = this.#cluster.pool(replica.instance.version.spec.pool);
    if (pool.plugins.volcano !== 'running') {
      const why = 'The Volcano scheduler is not available.';
      for (const pod of pods) pod.explain = () => refusedByAll(pool, why);
      if (this.#tellWaiting(gang, pods, why)) {
        this.#events.service(deployment.service.name, 'volcanoUnavailable', pool.name);
      }
      return false;
    }
    const request = requestOf(replica, pods);
    const decision = this.#cluster.decide(request);
    if (decision.nodes === undefined) {
      for (const pod of pods) pod.explain = decision.explain;
      this.#tellWaiting(gang, pods, decision.why);
      return false;
    }
    const placements = this.#cluster.place(request, decision);
    for (const [index, pod] of pods.entries()) {
      pod.explain = decision.explain;
      this.#events.pod(pod.name, 'Scheduled', decision.why);
      this.#onPlaced(pod, placements[index]!);
    }
    return true;
  }

  /**
   * Guide 4461: said whenever it is tried in vain, but not more often than it is tried by the clock.
   * @returns whether it was said
   */
  #tellWaiting(gang: Gang, pods: readonly Pod[], why: string): boolean {
    const { now } = this.#kernel;
    if (gang.why === why && now < gang.triedAt + this.#timings.reschedule) return false;
    gang.why = why;
    gang.triedAt = now;
    const { deployment } = gang.replica;
    for (const pod of pods) this.#events.pod(pod.name, 'FailedScheduling', why);
    this.#events.service(deployment.service.name, 'podSchedulingFailed', deployment.name);
    return true;
  }
}

function refusedByAll({ nodes }: Pool, refused: string): NodeVerdict[] {
  return nodes.map(({ name }) => ({ node: name, refused, chosen: 0 }));
}

function requestOf(replica: UnitReplica, pods: readonly Pod[]): GangRequest {
  const { unit, instance } = replica;
  const { spec } = instance.version;
  const { affinity, role } = unit;
  const nodePool = unit.nodePool ?? spec.nodePool;
  const warm = [unit.storage, ...unit.files].find(({ kind }) => kind === 'pre-warmed');
  return {
    pool: spec.pool,
    ...(nodePool === undefined ? {} : { nodePool }),
    pods: pods.map(({ name }) => ({ name, resources: unit.resources })),
    policy: spec.schedulingPolicy,
    ...(affinity === undefined ? {} : { affinity }),
    // Guide 3703, 4461: pre-warmed models bind their pods to the nodes that have them.
    ...(warm === undefined ? {} : { warmModel: warm.address }),
    deployment: `${instance.deployment.service.name}/${instance.deployment.name}`,
    instance: String(instance.index),
    ...(role === 'prefill' || role === 'decode' ? { role } : {}),
    rolesApart: spec.mode === 'disaggregated',
  };
}
