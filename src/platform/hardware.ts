import type { Node } from '../cluster/index.ts';
import { after, type EventKind, type Kernel, type Micros, Priority } from '../kernel/index.ts';
import type { EventLog } from '../telemetry/index.ts';
import type { Timings } from './durations.ts';
import type { Fleet } from './fleet.ts';
import type { Pod, StallKind } from './pod.ts';
import type { PodLifecycle } from './pod-lifecycle.ts';
import type { Recovery } from './recovery.ts';
import type { Scheduling } from './scheduling.ts';
import type { Service } from './service.ts';

/** A fault of hardware, from its beginning to its end. Whoever brings it about holds it to end it. */
export interface HardwareFault {
  readonly what: 'chip' | 'switch' | 'node' | 'network';
  readonly nodes: readonly Node[];
  readonly chip?: number;
  readonly service?: Service;
  /** Those that end with it: a node that is restarted has crashed no longer. */
  readonly cures: readonly HardwareFault[];
  noticed: boolean;
  over: boolean;
}

/** What each does to the engines of whom it strikes; a node that is gone takes them with it. */
const STALLS = { chip: 'chip', switch: 'network', network: 'network' } as const satisfies Record<string, StallKind>;

/**
 * Faults of chips, nodes, switches and the network: what they do at once, when the platform notices, what it says, and
 * where the pods go. What state a node is in follows from the faults that are not over, so that they may overlap.
 *
 * Simplified: an engine that nobody hears computes nothing, and goes on where it was when it is heard again.
 */
export class Hardware {
  readonly #kernel: Kernel;
  readonly #events: EventLog;
  readonly #timings: Timings;
  readonly #fleet: Fleet;
  readonly #lifecycle: PodLifecycle;
  readonly #recovery: Recovery;
  readonly #scheduling: Scheduling;
  readonly #noticed: EventKind;
  readonly #restarted: EventKind;
  /** All that ever were: events know them by number. */
  readonly #faults: HardwareFault[] = [];

  constructor(ports: {
    readonly kernel: Kernel;
    readonly events: EventLog;
    readonly timings: Timings;
    readonly fleet: Fleet;
    readonly lifecycle: PodLifecycle;
    readonly recovery: Recovery;
    readonly scheduling: Scheduling;
  }) {
    const { kernel } = ports;
    this.#kernel = kernel;
    this.#events = ports.events;
    this.#timings = ports.timings;
    this.#fleet = ports.fleet;
    this.#lifecycle = ports.lifecycle;
    this.#recovery = ports.recovery;
    this.#scheduling = ports.scheduling;
    this.#noticed = kernel.kind('platform/fault-noticed', Priority.control, (number) =>
      this.#notice(this.#faults[number]!),
    );
    this.#restarted = kernel.kind('platform/node-back', Priority.control, (number) => this.end(this.#faults[number]!));
  }

  /** A chip stops computing: the streams of whoever holds it stall. */
  breakChip(node: Node, chip: number): HardwareFault {
    const holders = this.#podsOn(node).filter(({ placement }) => placement!.accelerators.includes(chip));
    return this.#begin({ what: 'chip', nodes: [node], chip, cures: [] }, holders);
  }

  /** A node is gone with all that runs on it, and with the models that its disk had (guide 3736). */
  crashNode(node: Node): HardwareFault {
    node.clearCache();
    return this.#begin({ what: 'node', nodes: [node], cures: [] }, []);
  }

  /** A node restarts, and nobody has asked it to. */
  reboot(node: Node): HardwareFault {
    const cures = this.#on(node, 'node');
    return this.#restart(this.#begin({ what: 'node', nodes: [node], cures }, []), this.#timings.nodeReboot);
  }

  /** Nothing reaches these nodes. */
  cutOff(nodes: readonly Node[]): HardwareFault {
    const struck = nodes.flatMap((node) => this.#podsOn(node));
    const fault = this.#begin({ what: 'switch', nodes, cures: [] }, struck);
    for (const { replica } of struck) replica.link?.setBroken(true, fault);
    return fault;
  }

  /** The way from the gateway to a service's pods is broken. */
  disturbNetwork(service: Service): HardwareFault {
    const struck = this.#fleet.pods.filter(({ phase, deployment }) => {
      return phase !== 'terminated' && deployment.service === service;
    });
    return this.#begin({ what: 'network', nodes: [], service, cures: [] }, struck);
  }

  /** A fault is over, unless it was already. */
  end(fault: HardwareFault): void {
    if (fault.over) return;
    const down = fault.nodes.filter((node) => this.#on(node, 'node').length > 0);
    for (const each of [fault, ...fault.cures]) this.#close(each);
    for (const node of fault.nodes) this.#refresh(node);
    for (const node of down) if (this.#on(node, 'node').length === 0) this.#nodeBack(node);
    this.#scheduling.retry();
  }

  /** Ends what runs on a node, for somewhere else: it is drained, or tainted with NoExecute. */
  clear(node: Node, why: string): void {
    for (const pod of this.#podsOn(node)) if (pod.stays) this.#recovery.move(pod, why);
  }

  #begin(told: Omit<HardwareFault, 'noticed' | 'over'>, struck: readonly Pod[]): HardwareFault {
    const fault = this.#open(told, struck);
    const { detection } = this.#timings;
    this.#kernel.schedule(this.#noticed, after(this.#kernel.now, detection[fault.what]), this.#faults.indexOf(fault));
    return fault;
  }

  /** @param struck pods whose engines it stalls */
  #open(told: Omit<HardwareFault, 'noticed' | 'over'>, struck: readonly Pod[]): HardwareFault {
    const fault: HardwareFault = { ...told, noticed: false, over: false };
    this.#faults.push(fault);
    for (const node of fault.nodes) this.#refresh(node);
    if (fault.what === 'node') for (const pod of this.#podsOn(fault.nodes[0]!)) this.#lifecycle.lose(pod);
    else for (const pod of struck) this.#lifecycle.engines.stall(pod, fault, STALLS[fault.what]);
    return fault;
  }

  #close(fault: HardwareFault): void {
    fault.over = true;
    for (const pod of this.#fleet.pods) {
      if (pod.stalls.has(fault)) this.#lifecycle.engines.stall(pod, fault, undefined);
    }
    if (fault.what !== 'switch') return;
    for (const { link } of this.#fleet.replicas) link?.setBroken(false, fault);
    for (const pod of fault.nodes.flatMap((node) => this.#podsOn(node))) {
      if (pod.outOfReach) this.#lifecycle.setReach(pod, !this.#isOutOfReach(pod.placement!.node));
    }
  }

  #restart(fault: HardwareFault, takes: Micros): HardwareFault {
    this.#kernel.schedule(this.#restarted, after(this.#kernel.now, takes), this.#faults.indexOf(fault));
    return fault;
  }

  /** The node with all its chips is reset, and what runs on it starts there again (guide 10105-10119). */
  #reset(node: Node): void {
    const cures = this.#faults.filter(({ over, nodes, what }) => !over && nodes.includes(node) && what !== 'switch');
    this.#restart(this.#open({ what: 'node', nodes: [node], cures }, []), this.#timings.nodeReset);
    for (const pod of this.#podsOn(node)) {
      this.#events.pod(pod.name, 'Killing', `${node.name} is reset.`);
      this.#lifecycle.noticeLost(pod);
    }
  }

  #notice(fault: HardwareFault): void {
    if (fault.over) return;
    fault.noticed = true;
    const { what, nodes } = fault;
    for (const node of nodes) this.#refresh(node);
    const on = nodes.flatMap((node) => this.#podsOn(node));
    const struck = what === 'chip' ? on.filter(({ stalls }) => stalls.has(fault)) : on;
    this.#say(fault, struck);
    for (const pod of struck) {
      if (what === 'node') this.#lifecycle.noticeLost(pod);
      if (what === 'switch') this.#lifecycle.setReach(pod, false);
    }
    for (const pod of struck) if (pod.stays) this.#recover(pod, fault);
  }

  /** Each service that it strikes hears of it. */
  #say({ what, nodes, chip, service }: HardwareFault, struck: readonly Pod[]): void {
    if (what === 'network') {
      this.#events.service(service!.name, 'networkAnomalyDetected', 'the gateway cannot reach the pods');
      return;
    }
    const where = nodes.map(({ name }) => name).join(', ');
    const pools = new Map(struck.map(({ deployment }) => [deployment.service.name, deployment.spec.pool]));
    for (const [name, pool] of pools) {
      if (what === 'chip') this.#events.service(name, 'chipFaultDetected', pool, `accelerator ${chip} of ${where}`);
      else if (what === 'switch') this.#events.service(name, 'switchFaultDetected', pool, `${where} cannot be reached`);
      else this.#events.service(name, 'nodeFaultDetected', pool, `${where} does not report any more`);
    }
  }

  /** Of a chip's fault nothing but auto restart is told; probes are left to find it (guide 4137). */
  #recover(pod: Pod, { what, chip }: HardwareFault): void {
    const { node } = pod.placement!;
    if (what !== 'chip') {
      this.#recovery.evict(pod, `${node.name} is out of reach.`);
      return;
    }
    const resetting = this.#on(node, 'node').length > 0;
    if (resetting || !recoversChips(node)) return;
    if (pod.unit.nodeReset === true) this.#reset(node);
    else if (pod.unit.autoRestart) this.#recovery.evict(pod, `Accelerator ${chip} of ${node.name} is faulty.`);
  }

  /** What was lost on a node starts there again, what was to end there has ended. */
  #nodeBack(node: Node): void {
    for (const pod of this.#podsOn(node)) {
      if (pod.phase === 'terminating') this.#lifecycle.terminate(pod, 'Its node is back.', 'forced');
      else if (pod.phase === 'lost') this.#recovery.back(pod);
    }
  }

  /**
   * Brings a node's state in line with the faults that it has. One with a chip that is known to be faulty takes no pods
   * at all, where the platform recovers from such faults: it moves them to another node (guide 4133).
   */
  #refresh(node: Node): void {
    const broken = new Set(this.#on(node, 'chip').map(({ chip }) => chip));
    for (const chip of node.holders.keys()) {
      if (node.healthy(chip) !== broken.has(chip)) continue;
      if (broken.has(chip)) node.breakAccelerator(chip);
      else node.repairAccelerator(chip);
    }
    const out = [...this.#on(node, 'node'), ...this.#on(node, 'switch')].length > 0;
    const known = recoversChips(node) && this.#on(node, 'chip').some(({ noticed }) => noticed);
    node.phase = out || known ? 'Abnormal' : 'Available';
  }

  /** The faults of a kind that a node has now. */
  #on(node: Node, kind: HardwareFault['what']): HardwareFault[] {
    return this.#faults.filter(({ what, over, nodes }) => what === kind && !over && nodes.includes(node));
  }

  #isOutOfReach(node: Node): boolean {
    return this.#on(node, 'switch').some(({ noticed }) => noticed);
  }

  #podsOn(node: Node): Pod[] {
    return this.#fleet.pods.filter(({ phase, placement }) => phase !== 'terminated' && placement?.node === node);
  }
}

/** Whether the platform recovers from faults of a node's chips: Snt9b and Snt9b2 alone, the 910B family (guide 4137). */
function recoversChips({ flavor }: Node): boolean {
  return flavor.accelerator.startsWith('ascend-910b');
}
