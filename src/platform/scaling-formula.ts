import { assert, type Micros } from '../kernel/index.ts';
import type { Deployment } from './deployment.ts';
import type { ScalingMetric } from './scaling-spec.ts';

/** A metric may be so far off its target before anything is done (Kubernetes' default tolerance). */
const TOLERANCE = 0.1;

/** What a metric says of a deployment at the moment. */
export interface MetricReading {
  /** Instances that are wanted now. */
  readonly current: number;
  /** Instances that are ready; the mean is theirs. */
  readonly ready: number;
  /** Instances that are there and not ready. */
  readonly unready: number;
  readonly mean: number;
}

/**
 * How many instances a metric asks for: as many as bring its mean to the target. This is the formula of Kubernetes'
 * HorizontalPodAutoscaler, ceil(ready × mean / target), with its tolerance and its care for pods that are not ready:
 * before it scales out it counts those as doing nothing yet, and holds still if that turns the answer round.
 * https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
 */
export function wishOf(target: number, { current, ready, unready, mean }: MetricReading): number {
  const ratio = mean / target;
  if (ratio <= 1 || unready === 0) return near(ratio) ? current : Math.ceil(exact(ratio * ready));
  const all = ready + unready;
  const careful = (ratio * ready) / all;
  if (near(careful) || careful < 1) return current;
  return Math.max(current, Math.ceil(exact(careful * all)));
}

function near(ratio: number): boolean {
  return Math.abs(ratio - 1) <= TOLERANCE + Number.EPSILON * 4;
}

/** Takes a product's rounding error off, lest 3.0000000000000004 instances be 4. */
function exact(value: number): number {
  return Number(value.toPrecision(12));
}

interface Wish {
  readonly at: Micros;
  readonly instances: number;
}

/**
 * What a metric has wished for lately: it is followed inwards only as far as it has been low all the while, and
 * outwards only as far as it has been high (Kubernetes' stabilization windows). Unlike there, a number that another rule
 * or somebody else has set counts as wished for: or the next look would undo it.
 */
export class WishWindows {
  readonly #inward: Micros;
  readonly #outward: Micros;
  #wishes: readonly Wish[] = [];
  /** How many there were and what was answered, the last time. */
  #expected: readonly number[] = [];

  constructor(inward: Micros, outward: Micros) {
    this.#inward = inward;
    this.#outward = outward;
  }

  /** Nothing of what was wished holds any more. */
  clear(): void {
    this.#expected = [];
  }

  /** Adds a wish. @returns what to do about it: the instances to have, `current` if nothing */
  add(now: Micros, wish: number, current: number): number {
    const given = this.#expected.includes(current) ? this.#wishes : [{ at: now, instances: current }];
    const wishes = [...given, { at: now, instances: wish }];
    const longest = Math.max(this.#inward, this.#outward);
    this.#wishes = wishes.filter(({ at }) => at > now - longest);
    const within = (window: Micros): number[] => [
      wish,
      ...wishes.filter(({ at }) => at > now - window).map(({ instances }) => instances),
    ];
    const answer =
      wish > current
        ? Math.max(current, Math.min(...within(this.#outward)))
        : Math.min(current, Math.max(...within(this.#inward)));
    this.#expected = [current, answer];
    return answer;
  }
}

/** A metric as a mean over the ready instances, of which there must be one. */
export function readMetric(deployment: Deployment, metric: ScalingMetric): number {
  const ready = deployment.staying.filter((instance) => instance.ready);
  assert(ready.length > 0, 'a metric of no instance');
  const figures = ready.flatMap(({ replicas }) =>
    replicas.flatMap(({ engine }) => (engine === undefined ? [] : [engine.figures()])),
  );
  const sum = (of: (each: (typeof figures)[number]) => number): number =>
    figures.reduce((total, each) => total + of(each), 0);
  switch (metric) {
    case 'concurrency':
      return sum(({ running, waiting }) => running + waiting) / ready.length;
    case 'waiting':
      return sum(({ waiting }) => waiting) / ready.length;
    case 'kv-utilization':
      // A mean over engines: those of prefill and decode are of different sizes. Applications have no blocks.
      return (
        sum(({ kvBlocksUsed, kvBlocksTotal }) => (kvBlocksTotal === 0 ? 0 : kvBlocksUsed / kvBlocksTotal)) /
        figures.length
      );
  }
}
