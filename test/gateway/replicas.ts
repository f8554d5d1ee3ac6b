import fc from 'fast-check';
import type { ReplicaFigures } from '../../src/gateway/routing/index.ts';
import type { UnitReplica } from '../../src/platform/index.ts';

/** What a policy reads of a replica, and nothing else. */
export function replicas(count: number): readonly UnitReplica[] {
  return Array.from({ length: count }, (_, place) => ({ place, slot: `chat/main/${place}` }) as UnitReplica);
}

/** What is known of one replica. */
export interface Known {
  /** Open requests of each service level. */
  readonly open: readonly [number, number, number, number];
  readonly ttft: number | undefined;
  readonly metrics: Readonly<Record<string, number>> | undefined;
}

export const IDLE: Known = { open: [0, 0, 0, 0], ttft: undefined, metrics: undefined };

/** Figures of replicas by place; what is not stated is idle. */
export function figures(known: readonly Partial<Known>[]): ReplicaFigures {
  const of = ({ place }: UnitReplica): Known => ({ ...IDLE, ...known[place] });
  const open = (replica: UnitReplica, levels: number): number =>
    of(replica)
      .open.slice(0, levels)
      .reduce((sum, count) => sum + count, 0);
  return {
    connections: (replica) => open(replica, 4),
    ahead: (replica, sloClass) => open(replica, sloClass + 1),
    ttft: (replica) => of(replica).ttft,
    metrics: (replica) => {
      const { metrics } = of(replica);
      return metrics === undefined ? undefined : new Map(Object.entries(metrics));
    },
  };
}

const few = fc.nat(5);

/** What may be known of one replica; small numbers, so that ties are common. */
export const anyKnown: fc.Arbitrary<Known> = fc.record({
  open: fc.tuple(few, few, few, few),
  ttft: fc.option(few, { nil: undefined }),
  metrics: fc.option(fc.record({ waiting: few, cache: few }), { nil: undefined }),
});

export const manyKnown = fc.array(anyKnown, { minLength: 1, maxLength: 6 });
