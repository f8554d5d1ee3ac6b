import { nodeFlavor } from '../../src/catalog/index.ts';
import type { Reply } from '../../src/gateway/index.ts';
import { type Micros, micros } from '../../src/kernel/index.ts';
import { type FaultSpec, World } from '../../src/lab/index.ts';
import type { EngineSettings, KvTransferSpec, UnitSpec } from '../../src/platform/index.ts';
import { DEPLOYMENT, deployment, description, SERVICE, service } from './world.ts';

export interface DisaggregatedOptions {
  readonly prefill?: number;
  readonly decode?: number;
  readonly kvTransfer?: Partial<KvTransferSpec>;
  readonly prefillEngine?: Partial<EngineSettings>;
  readonly decodeEngine?: Partial<EngineSettings>;
}

/** Qwen3-8B: 2 x 36 layers x 8 heads x 128 x 2 bytes. */
export const KV_BYTES_PER_TOKEN = 147_456;
export const LAYERS = 36;
export const BYTES_PER_SECOND = 25e9;
export const SETUP_MICROS = 400;

/** A settled world without traffic: one instance of prefill and decode units of Qwen3-8B. */
export function disaggregated(options: DisaggregatedOptions = {}): World {
  const plain = deployment();
  const [common] = plain.units as [UnitSpec];
  const unit = (role: 'prefill' | 'decode', replicas = 1, engine: Partial<EngineSettings> = {}): UnitSpec => ({
    ...common,
    name: role,
    role,
    replicas,
    engine: { ...common.engine, ...engine },
  });
  const units = [
    unit('prefill', options.prefill, options.prefillEngine),
    unit('decode', options.decode, options.decodeEngine),
  ];
  const kvTransfer: KvTransferSpec = {
    setupMicros: SETUP_MICROS,
    bytesPerSecond: BYTES_PER_SECOND,
    uploads: 'parallel',
    mode: 'pull',
    firstToken: 'decode',
    retries: 2,
    ...options.kvTransfer,
  };
  const world = new World(
    description({
      pools: [{ name: 'npus', type: 'dedicated', nodes: [{ flavor: nodeFlavor('snt9b-8'), count: 2 }] }],
      services: [service({ deployments: [{ ...plain, mode: 'disaggregated', instances: 1, units, kvTransfer }] })],
      traffic: [],
    }),
  );
  world.runUntilSettled();
  return world;
}

/** A call, counted from when the services are ready. */
export interface Ask {
  readonly at: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Its client leaves this long after it came. */
  readonly leavesAfter?: number | undefined;
}

/** A fault of one pod, counted from when the services are ready. */
export interface Strike {
  readonly at: number;
  readonly fault: {
    readonly kind: 'kill-pod' | 'slow-link' | 'break-link' | 'hang-container';
    readonly unit?: 'prefill' | 'decode';
    readonly replica?: number;
    readonly factor?: number;
    readonly lasting?: number;
  };
}

/**
 * Calls a world, strikes it, and runs it until every request has ended, holding what must hold as it goes.
 * @param look asked after every few events; it may only look
 */
export function live(
  world: World,
  asks: readonly Ask[],
  strikes: readonly Strike[] = [],
  { lookEvery = 7, look = () => world.check() }: { readonly lookEvery?: number; readonly look?: () => void } = {},
): Reply[] {
  const replies: Reply[] = [];
  let events = 0;
  const step = (): boolean => {
    const ran = world.kernel.step();
    if (++events % lookEvery === 0) look();
    return ran;
  };
  const deeds: { readonly at: number; readonly do: (at: Micros) => void }[] = [];
  for (const [index, { at, promptTokens, outputTokens, leavesAfter }] of asks.entries()) {
    const call = { to: { service: SERVICE }, key: null, promptTokens, maxTokens: outputTokens, ignoreEos: true };
    deeds.push({ at, do: (now) => void (replies[index] = world.apply(now, { kind: 'call', call })!) });
    if (leavesAfter === undefined) continue;
    const leave = (now: Micros): void => {
      world.apply(now, { kind: 'disconnect', request: replies[index]!.number });
    };
    deeds.push({ at: at + leavesAfter, do: leave });
  }
  for (const { at, fault } of strikes) {
    const whole = { ...fault, service: SERVICE, deployment: DEPLOYMENT, instance: 0 } as FaultSpec;
    deeds.push({ at, do: (now) => void world.apply(now, { kind: 'fault', fault: whole }) });
  }
  for (const deed of deeds.toSorted((a, b) => a.at - b.at)) {
    const now = micros(world.settledAt + deed.at);
    while (world.kernel.nextAt() <= now) step();
    deed.do(now);
    world.check();
  }
  while (world.requests.inFlight > 0) if (!step()) throw new Error('Requests are left and nothing is going to happen');
  world.check();
  return replies;
}

/** The moment of a reply's first token after it came, µs. */
export function ttft(reply: Reply): number {
  return reply.tokenTime(0) - reply.arrivedAt;
}
