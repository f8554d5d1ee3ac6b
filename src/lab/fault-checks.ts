import type { Cluster } from '../cluster/index.ts';
import { suggestion } from '../kernel/index.ts';
import type { Platform, PodTarget } from '../platform/index.ts';
import type { FaultKind, FaultSpec } from './fault-spec.ts';

/** What a kind of fault names, and what else it needs. */
interface FaultShape {
  readonly strikes: 'pod' | 'node' | 'service' | 'pool' | 'nothing';
  readonly needs?: readonly Need[];
}

/** Beyond these a step or a transfer would take no time, or longer than a run can. */
const FACTORS = { least: 0.001, most: 1_000_000 } as const;

type Need = 'factor' | 'chip' | 'prefill' | 'rack' | 'storage' | 'image' | 'secret' | 'plugin' | 'key' | 'status';

export const FAULT_SHAPES = {
  'kill-pod': { strikes: 'pod' },
  'crash-container': { strikes: 'pod' },
  'out-of-memory': { strikes: 'pod' },
  'hang-container': { strikes: 'pod' },
  'slow-engine': { strikes: 'pod', needs: ['factor'] },
  'slow-link': { strikes: 'pod', needs: ['factor', 'prefill'] },
  'break-link': { strikes: 'pod', needs: ['prefill'] },
  'chip-fault': { strikes: 'node', needs: ['chip'] },
  'node-crash': { strikes: 'node' },
  'node-reboot': { strikes: 'node' },
  cordon: { strikes: 'node' },
  drain: { strikes: 'node' },
  taint: { strikes: 'node', needs: ['key'] },
  'disk-full': { strikes: 'node' },
  'switch-fault': { strikes: 'pool', needs: ['rack'] },
  'network-fault': { strikes: 'service' },
  'storage-down': { strikes: 'nothing', needs: ['storage'] },
  'storage-slow': { strikes: 'nothing', needs: ['storage', 'factor'] },
  'image-missing': { strikes: 'nothing', needs: ['image'] },
  'registry-slow': { strikes: 'nothing', needs: ['factor'] },
  plugin: { strikes: 'pool', needs: ['plugin'] },
  'delete-secret': { strikes: 'nothing', needs: ['secret'] },
  'control-plane-fault': { strikes: 'service' },
  refuse: { strikes: 'service', needs: ['status'] },
} as const satisfies Readonly<Record<FaultKind, FaultShape>>;

export type FaultShapes = typeof FAULT_SHAPES;

const STORAGE = ['obs', 'obsfs', 'sfs-turbo', 'pre-warmed'];
const PLUGINS = ['volcano', 'hra', 'logs'];
const PLUGIN_STATES = ['running', 'abnormal', 'absent'];

type Given = Readonly<Record<string, unknown>>;

/** What keeps a fault from having what its kind needs; undefined when nothing does. The second argument: how many there are. */
const CHECKS: Readonly<Record<Exclude<Need, 'prefill'>, (fault: Given, most: number) => string | undefined>> = {
  factor: ({ factor }) =>
    typeof factor === 'number' && factor >= FACTORS.least && factor <= FACTORS.most
      ? undefined
      : `got factor ${factor}, expected a number from ${FACTORS.least} to ${FACTORS.most}`,
  chip: ({ chip }, most) => below('chip', chip, most),
  rack: ({ rack }, most) => below('rack', rack, most),
  storage: ({ storage }) => among('storage', storage, STORAGE),
  image: ({ image }) => (isName(image) ? undefined : 'no image is named'),
  secret: ({ secret }) => (isName(secret) ? undefined : 'no secret is named'),
  plugin: ({ plugin, state }) => among('plugin', plugin, PLUGINS) ?? among('state', state, PLUGIN_STATES),
  key: ({ key, effect }) => (isName(key) ? among('effect', effect, ['NoSchedule', 'NoExecute']) : 'no key is named'),
  status: ({ status, retryAfterSeconds: wait }) => {
    if (status !== 429 && status !== 503) return `got status ${status}, expected 429 or 503`;
    return wait === undefined || isCount(wait) ? undefined : `got retryAfterSeconds ${wait}, expected a whole number`;
  },
};

/** What keeps a fault that came from outside from striking; undefined when nothing does. */
export function mistakeInFault(given: FaultSpec, platform: Platform, cluster: Cluster): string | undefined {
  const fault = (given ?? {}) as unknown as Given;
  const { kind, lasting } = fault;
  if (typeof kind !== 'string' || !Object.hasOwn(FAULT_SHAPES, kind)) {
    return `unknown fault "${kind}"; expected one of ${Object.keys(FAULT_SHAPES).join(', ')}`;
  }
  if (lasting !== undefined && !(isCount(lasting) && (lasting as number) > 0)) return `${kind}: it lasts no time`;
  const { strikes, needs = [] }: FaultShape = FAULT_SHAPES[kind as FaultKind];
  const wrong = mistakeInTarget(fault, strikes, platform, cluster);
  if (wrong !== undefined) return `${kind}: ${wrong}`;
  for (const need of needs) {
    const lacking =
      need === 'prefill' ? notPrefill(fault, platform) : CHECKS[need](fault, countOf(need, fault, platform, cluster));
    if (lacking !== undefined) return `${kind}: ${lacking}`;
  }
  return undefined;
}

function mistakeInTarget(
  fault: Given,
  strikes: FaultShape['strikes'],
  platform: Platform,
  cluster: Cluster,
): string | undefined {
  const { service, node, pool } = fault;
  if (strikes === 'nothing') return undefined;
  if (strikes === 'pool') {
    const known = cluster.pools.map(({ name }) => name);
    return known.includes(pool as string) ? undefined : `no pool "${pool}"${suggestion(String(pool), known)}`;
  }
  if (strikes === 'node' && node !== undefined) {
    const known = cluster.allNodes.map(({ name }) => name);
    return known.includes(node as string) ? undefined : `no node "${node}"${suggestion(String(node), known)}`;
  }
  if (typeof service !== 'string' || platform.service(service) === undefined) {
    const known = platform.services.map(({ name }) => name);
    return `no service "${service}"${suggestion(String(service), known)}`;
  }
  if (strikes === 'service' || hasPod(fault, platform)) return undefined;
  return `no such pod; there are ${platform.slots.join(', ')}`;
}

/** Chips of the node or the pod that is named, racks of the pool. */
function countOf(need: Need, { node, pool, ...target }: Given, platform: Platform, cluster: Cluster): number {
  if (need === 'rack') return new Set(cluster.pool(cluster.pool(pool as string).spec.name).racks).size;
  if (need !== 'chip') return 0;
  if (node !== undefined) return cluster.node(node as string)!.flavor.accelerators;
  return Math.ceil(platform.podOf(target as unknown as PodTarget)!.unit.resources.accelerators);
}

function notPrefill(fault: Given, platform: Platform): string | undefined {
  const pod = platform.podOf(fault as unknown as PodTarget);
  return pod?.unit.role === 'prefill' ? undefined : 'keys and values leave prefill pods only';
}

function among(what: string, value: unknown, known: readonly string[]): string | undefined {
  return known.includes(value as string) ? undefined : `got ${what} "${value}", expected one of ${known.join(', ')}`;
}

function hasPod(fault: Given, platform: Platform): boolean {
  const { instance, replica = 0, pod = 0 } = fault;
  return [instance, replica, pod].every(isCount) && platform.podOf(fault as unknown as PodTarget) !== undefined;
}

function below(what: string, value: unknown, most: number): string | undefined {
  return isCount(value) && (value as number) < most
    ? undefined
    : `got ${what} ${value}, expected one of the ${most} from 0`;
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** A whole number, 0 or more. */
export function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
