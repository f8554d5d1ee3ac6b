import type { Cluster, Node, Pool, Taint } from '../cluster/index.ts';
import type { Gateway } from '../gateway/index.ts';
import { after, type EventKind, type Kernel, type Micros, Priority } from '../kernel/index.ts';
import type { Platform, Pod, PodTarget, Service, UnitReplica } from '../platform/index.ts';
import { FAULT_SHAPES, type FaultShapes } from './fault-checks.ts';
import type { FaultKind, FaultSpec } from './fault-spec.ts';

/** A fault that was to strike, for people who want to know what led to what. */
export interface FaultRecord {
  readonly at: Micros;
  readonly fault: FaultSpec;
  /** The pod, node, service or pool that it struck; undefined when that was not there, or when it strikes none of them. */
  readonly struck: string | undefined;
  /** When it ended: at once, when it is over as soon as it has happened. Undefined while it lasts. */
  until: Micros | undefined;
}

interface Targets {
  readonly pod: Pod;
  readonly node: Node;
  readonly service: Service;
  readonly pool: Pool;
  readonly nothing: undefined;
}

type FaultOf<Kind extends FaultKind> = FaultSpec & { readonly kind: Kind };
type TargetOf<Kind extends FaultKind> = Targets[FaultShapes[Kind]['strikes']];
type Undo = () => void;

interface ActiveFault {
  readonly id: number;
  readonly fault: FaultSpec;
  /** The very pod, among others: a successor is whole. */
  readonly target: Targets[keyof Targets];
  undo?: Undo | undefined;
}

/** What each kind of fault does, and what undoes it: what has no undoing is over as soon as it has happened. */
type Deeds = {
  readonly [Kind in FaultKind]: (fault: FaultOf<Kind>, target: TargetOf<Kind>, active: ActiveFault) => Undo | undefined;
};

/**
 * Brings faults about, and to an end. What holds at any moment is derived from the faults that are active then, so
 * that faults may overlap in any order: slowdowns multiply, what any fault closes or breaks is so, and of several
 * refusals, or states of a plugin, the latest counts.
 */
export class Faults {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;
  readonly #platform: Platform;
  readonly #gateway: Gateway;
  readonly #recovery: EventKind;
  /** As they are without faults. */
  readonly #taints: ReadonlyMap<Node, readonly Taint[]>;
  readonly #plugins: ReadonlyMap<string, Pool['plugins']>;
  readonly #deeds: Deeds;
  readonly #history: FaultRecord[] = [];
  /** In the order in which they struck. */
  #active: ActiveFault[] = [];

  constructor(kernel: Kernel, cluster: Cluster, platform: Platform, gateway: Gateway) {
    this.#kernel = kernel;
    this.#cluster = cluster;
    this.#platform = platform;
    this.#gateway = gateway;
    this.#taints = new Map(cluster.allNodes.map((node) => [node, node.taints]));
    this.#plugins = new Map(cluster.pools.map(({ name, plugins }) => [name, { ...plugins }]));
    this.#deeds = this.#table();
    this.#recovery = kernel.kind('fault/recovers', Priority.script, (id) => this.#end(id));
  }

  /** Every fault so far, by its number. */
  get history(): readonly Readonly<FaultRecord>[] {
    return this.#history;
  }

  /** A fault that names what is not there (any more) strikes nothing. */
  strike(fault: FaultSpec): void {
    const { now } = this.#kernel;
    const { strikes } = FAULT_SHAPES[fault.kind];
    const target = this.#find(strikes, fault);
    const record: FaultRecord = { at: now, fault, struck: target?.name, until: now };
    const id = this.#history.push(record) - 1;
    if (target === undefined && strikes !== 'nothing') return;
    const active: ActiveFault = { id, fault, target };
    this.#active.push(active);
    // Which of the table's functions it is, its kind says.
    const deed = this.#deeds[fault.kind] as (...given: unknown[]) => Undo | undefined;
    active.undo = deed(fault, target, active);
    if (active.undo === undefined) {
      this.#active.pop();
      return;
    }
    record.until = undefined;
    if ('lasting' in fault && fault.lasting !== undefined) {
      this.#kernel.schedule(this.#recovery, after(now, fault.lasting), id);
    }
  }

  /** An engine has started: what was active before holds for it too, unless its pod is another one now. */
  onEngineStarted(replica: UnitReplica): void {
    this.#refreshSpeed(replica);
    this.#refreshLink(replica);
  }

  #table(): Deeds {
    const platform = this.#platform;
    const { hardware, around } = platform;
    return {
      'kill-pod': (_, pod) => once(() => platform.killPod(pod, 'It was killed.')),
      'crash-container': (_, pod) => once(() => platform.crashContainer(pod, 'Its process exited with code 1.')),
      'out-of-memory': (_, pod) =>
        once(() => platform.crashContainer(pod, 'OOMKilled: its process used more memory than it has.')),
      'hang-container': (_, pod, active) => {
        platform.hang(pod, active, true);
        return () => platform.hang(pod, active, false);
      },
      'slow-engine': (_, { replica }) => held(() => this.#refreshSpeed(replica.leader)),
      'slow-link': (_, { replica }) => held(() => this.#refreshLink(replica)),
      'break-link': (_, { replica }) => held(() => this.#refreshLink(replica)),

      'chip-fault': (fault, node) => {
        const chip = this.#chipOf(fault, node);
        if (chip === undefined) return undefined;
        const broken = hardware.breakChip(node, chip);
        return () => hardware.end(broken);
      },
      'node-crash': (_, node) => {
        const crash = hardware.crashNode(node);
        return () => hardware.end(crash);
      },
      'node-reboot': (_, node) => once(() => hardware.reboot(node)),
      cordon: (_, node) => held(() => this.#refreshCordon(node)),
      drain: (_, node) => {
        const undo = held(() => this.#refreshCordon(node));
        hardware.clear(node, 'Its node is drained.');
        return undo;
      },
      taint: ({ key, effect }, node) => {
        const undo = held(() => this.#refreshTaints(node, key));
        if (effect === 'NoExecute') hardware.clear(node, `Its node is tainted with ${key}.`);
        return undo;
      },
      'disk-full': (_, node) =>
        held(() => {
          if (this.#all('disk-full').some(({ target }) => target === node)) node.fillDisk(node.diskFreeGiB);
          else node.freeDisk();
        }),

      'switch-fault': ({ rack }, { spec }) => {
        const name = `${spec.name}-rack-${rack}`;
        const cut = hardware.cutOff(this.#cluster.allNodes.filter((node) => node.rack === name));
        return () => hardware.end(cut);
      },
      plugin: ({ plugin }, pool) =>
        held(() => {
          const latest = this.#all('plugin').findLast(
            ({ fault, target }) => target.spec === pool.spec && fault.plugin === plugin,
          );
          pool.setPlugin(plugin, latest?.fault.state ?? this.#plugins.get(pool.name)![plugin]);
          platform.retryScheduling();
        }),

      'network-fault': (_, service) => {
        const disturbed = hardware.disturbNetwork(service);
        const undo = held(() => this.#refreshRefusal(service));
        return () => {
          hardware.end(disturbed);
          undo();
        };
      },
      refuse: (_, service) => held(() => this.#refreshRefusal(service)),
      'control-plane-fault': (_, service, { id }) => {
        platform.disturb(service, id, true);
        return () => platform.disturb(service, id, false);
      },

      'storage-down': ({ storage }) =>
        held(() => {
          const down = this.#all('storage-down').some(({ fault }) => fault.storage === storage);
          toggle(around.storageDown, storage, down);
        }),
      'storage-slow': ({ storage }) =>
        held(() => {
          const slow = this.#all('storage-slow').filter(({ fault }) => fault.storage === storage);
          around.storageSlowdown.set(storage, productOf(slow));
        }),
      'image-missing': ({ image }) =>
        held(() => {
          const missing = this.#all('image-missing').some(({ fault }) => fault.image === image);
          toggle(around.missingImages, image, missing);
        }),
      'registry-slow': () =>
        held(() => {
          around.registrySlowdown = productOf(this.#all('registry-slow'));
        }),
      'delete-secret': ({ secret }) =>
        held(() => {
          const deleted = this.#all('delete-secret').some(({ fault }) => fault.secret === secret);
          toggle(around.deletedSecrets, secret, deleted);
        }),
    };
  }

  #end(id: number): void {
    const over = this.#active.find((each) => each.id === id)!;
    this.#active = this.#active.filter((each) => each !== over);
    this.#history[id]!.until = this.#kernel.now;
    over.undo!();
  }

  #find(strikes: keyof Targets, given: FaultSpec): Targets[keyof Targets] {
    const fault = given as Partial<PodTarget & { node: string; pool: string }>;
    switch (strikes) {
      case 'pod':
        return this.#platform.podOf(fault as PodTarget);
      case 'node':
        if (fault.node !== undefined) return this.#cluster.node(fault.node);
        return this.#platform.podOf(fault as PodTarget)?.placement?.node;
      case 'service':
        return this.#platform.service(fault.service!);
      case 'pool':
        return this.#cluster.pool(fault.pool!);
      case 'nothing':
        return undefined;
    }
  }

  /** The chip of a node that a fault names: by its number there, or among those of a pod. */
  #chipOf(fault: FaultOf<'chip-fault'>, node: Node): number | undefined {
    const byNode = 'node' in fault && fault.node !== undefined;
    const chips = byNode ? [...node.holders.keys()] : this.#platform.podOf(fault as PodTarget)!.placement!.accelerators;
    return chips[fault.chip];
  }

  /** The active faults of a kind, in the order in which they struck. */
  #all<Kind extends FaultKind>(kind: Kind): { readonly fault: FaultOf<Kind>; readonly target: TargetOf<Kind> }[] {
    return this.#active.filter(({ fault }) => fault.kind === kind) as never;
  }

  #refreshSpeed(leader: UnitReplica): void {
    const slow = this.#all('slow-engine').filter(({ target }) => isIn(target, leader));
    this.#platform.slow(leader, productOf(slow));
  }

  #refreshLink(replica: UnitReplica): void {
    const slow = this.#all('slow-link').filter(({ target }) => isIn(target, replica));
    replica.link?.slowDown(productOf(slow));
    const broken = this.#all('break-link').some(({ target }) => isIn(target, replica));
    replica.link?.setBroken(broken, this);
  }

  #refreshCordon(node: Node): void {
    node.cordoned = [...this.#all('cordon'), ...this.#all('drain')].some(({ target }) => target === node);
    this.#platform.retryScheduling();
  }

  #refreshTaints(node: Node, key: string): void {
    const taints = this.#all('taint').filter(({ target }) => target === node);
    node.removeTaint(key);
    for (const taint of [...this.#taints.get(node)!, ...taints.map(({ fault }) => fault)]) {
      const { effect, value } = taint as Taint;
      if (taint.key === key) node.addTaint({ key, effect, ...(value === undefined ? {} : { value }) });
    }
    this.#platform.retryScheduling();
  }

  #refreshRefusal(service: Service): void {
    const latest = this.#active.findLast(
      ({ fault: { kind }, target }) => (kind === 'refuse' || kind === 'network-fault') && target === service,
    )?.fault;
    // A gateway that reaches no pod says so as it does when there is none.
    const spell = latest?.kind === 'network-fault' ? ({ status: 503 } as const) : latest;
    this.#gateway.refuseAll(service, spell as FaultOf<'refuse'> | undefined);
  }
}

function once(deed: () => void): undefined {
  deed();
}

/** What is derived anew when a fault begins, and again when it has ended. */
function held(refresh: () => void): Undo {
  refresh();
  return refresh;
}

/** Whether a pod that was struck is still there, as a part of this engine. */
function isIn(pod: Pod, leader: UnitReplica): boolean {
  return pod.phase !== 'terminated' && pod.replica.leader === leader;
}

function productOf(slow: readonly { readonly fault: { readonly factor: number } }[]): number {
  return slow.reduce((product, { fault }) => product * fault.factor, 1);
}

function toggle<Item>(set: Set<Item>, item: Item, on: boolean): void {
  if (on) set.add(item);
  else set.delete(item);
}
