import type { NodeVerdict, Placement } from '../cluster/index.ts';
import { type EventToken, type Micros, NO_EVENT } from '../kernel/index.ts';
import { PROBE_KINDS, type ProbeKind } from './probes.ts';
import type { UnitReplica } from './unit-replica.ts';

/**
 * A pod's life, in order. `waiting`: its container is down and will be started again. `lost`: its node is gone.
 * `terminated` is final.
 */
export type PodPhase =
  | 'pending'
  | 'mounting'
  | 'initializing'
  | 'pulling'
  | 'starting'
  | 'running'
  | 'waiting'
  | 'lost'
  | 'terminating'
  | 'terminated';

/** What keeps a pod's engine from computing and answering: its process hangs, its chip is broken, nobody reaches its node. */
export type StallKind = 'process' | 'chip' | 'network';

/** The contract's spelling. */
export type PodStatus = 'PENDING' | 'RUNNING' | 'ABNORMAL' | 'UNKNOWN' | 'DELETED';

/** What one probe of a container has seen. */
export interface ProbeState {
  /** Its next check. */
  token: EventToken;
  /** When it checks after the check that is under way or was the last; a healthy container is asked later, or never. */
  nextAt: Micros;
  failures: number;
  /** Its last verdict: passed, or failed so often that it counts. */
  passed: boolean;
  /** It has begun to check. */
  active: boolean;
}

/** One pod: a place on a node, and in it the container of an engine, or of a part of one. */
export class Pod {
  readonly index: number;
  readonly name: string;
  readonly replica: UnitReplica;
  /** Its place among the pods of the unit replica, from 0: the first leads. */
  readonly rank: number;
  readonly createdAt: Micros;
  phase: PodPhase = 'pending';
  placement: Placement | undefined;
  /** Why it is where it is, or nowhere, node by node; put into words only when somebody asks. */
  explain: () => readonly NodeVerdict[] = () => [];
  /**
   * Counts as started: its startup probe has passed, and then its readiness probe, if it has one; or it has no startup
   * probe and a node (guide 4078).
   */
  started = false;
  /** What stalls it now, by whatever brought it about. */
  readonly stalls = new Map<object, StallKind>();
  /** The platform has noticed that its node cannot be reached. */
  outOfReach = false;
  /** A probe has failed as often as it may, and none has passed since. */
  unwell = false;
  restarts = 0;
  /** Tries of the stage that it is at, of its way up, that failed in a row: they set the back-off. */
  failures = 0;
  /** Containers that ended, or did not start, in a row: they set the back-off of the next. */
  crashes = 0;
  /** Why its container ended last. */
  lastEnd = '';
  runningSince: Micros = 0 as Micros;
  stageSince: Micros;
  /** It ran while another of its engine was lost: it waits for one that never answers, until it starts anew. */
  stale = false;
  /** Rebuilt: when it is gone a new pod takes its place. */
  replaced = false;
  /** It ends gracefully: once the first of its replica has, or now. */
  grace: 'waits' | 'runs' | undefined;
  /** The next stage of its way, and the end of its grace. */
  stageToken: EventToken = NO_EVENT;
  readonly probes: Readonly<Record<ProbeKind, ProbeState>>;
  #ready = false;

  constructor(index: number, name: string, replica: UnitReplica, rank: number, createdAt: Micros) {
    this.index = index;
    this.name = name;
    this.replica = replica;
    this.rank = rank;
    this.createdAt = createdAt;
    this.stageSince = createdAt;
    this.probes = Object.fromEntries(
      PROBE_KINDS.map((kind): [ProbeKind, ProbeState] => [
        kind,
        { token: NO_EVENT, nextAt: createdAt, failures: 0, passed: false, active: false },
      ]),
    ) as Record<ProbeKind, ProbeState>;
  }

  /** Takes traffic as far as it is concerned. */
  get ready(): boolean {
    return this.#ready && !this.outOfReach;
  }

  set ready(ready: boolean) {
    this.#ready = ready;
  }

  get explanation(): readonly NodeVerdict[] {
    return this.explain();
  }

  get deployment() {
    return this.replica.instance.deployment;
  }

  get instance() {
    return this.replica.instance;
  }

  get unit() {
    return this.replica.unit;
  }

  /** It is there, and will stay. */
  get stays(): boolean {
    return this.phase !== 'terminating' && this.phase !== 'terminated';
  }

  /** Counts towards its instance being up: started, and not found unwell or out of reach since. */
  get up(): boolean {
    return this.stays && this.started && !this.unwell && !this.outOfReach;
  }

  get status(): PodStatus {
    if (this.phase === 'terminated') return 'DELETED';
    if (this.outOfReach || (this.phase === 'lost' && !this.started)) return 'UNKNOWN';
    if (this.ready) return 'RUNNING';
    return this.unwell || this.phase === 'waiting' ? 'ABNORMAL' : 'PENDING';
  }
}
