import type { Micros } from '../kernel/index.ts';
import { cronKey, nextCron, parseCron } from './cron.ts';

/** What a metric rule looks at: the mean over ready instances at the moment. */
export type ScalingMetric = 'concurrency' | 'waiting' | 'kv-utilization';

/** A rule of automatic scaling, known within its deployment by its name. */
export type ScalingRule = PeriodicRule | MetricRule;

export interface PeriodicRule {
  readonly kind: 'periodic';
  readonly name: string;
  /** A rule acts only when enabled (guide 3261). */
  readonly enabled: boolean;
  /** Five fields, minutes first, in the pool's local time (guide 3257; the contract's `schedule`); see `cron.ts`. */
  readonly schedule: string;
  /** Instances to have from then on. */
  readonly target: number;
}

export interface MetricRule {
  readonly kind: 'metric';
  readonly name: string;
  readonly enabled: boolean;
  readonly metric: ScalingMetric;
  /**
   * Value of the metric per instance that scaling aims at: requests that an instance holds (`concurrency`), those of
   * them that wait (`waiting`), or the share of its KV blocks in use, 0 to 1 (`kv-utilization`).
   */
  readonly target: number;
}

/** Automatic scaling of a deployment; dedicated pools only (guide 3208). */
export interface ScalingSpec {
  /** Bounds of what rules may ask for. */
  readonly min: number;
  readonly max: number;
  readonly rules: readonly ScalingRule[];
  /** Metric rules scale in to the highest wish of so long a time, and out to the lowest. */
  readonly downscaleWindow: Micros;
  readonly upscaleWindow: Micros;
  /** Minutes that the pool's local time is ahead of UTC. */
  readonly utcOffsetMinutes: number;
}

/** The most periodic rules of a service; of metric rules one per metric (guide 3221). */
export const MOST_PERIODIC_RULES = 10;
/** Guide 382. */
export const MOST_INSTANCES = 128;
/** Kubernetes' bound of a stabilization window. */
const LONGEST_WINDOW_SECONDS = 3_600;
/** UTC-12 to UTC+14. */
const OFFSETS = { low: -720, high: 840 };
const RULE_NAME = /^[a-z][a-z0-9-]{2,62}[a-z0-9]$/;

/** What is wrong with rules that are to be set; undefined when nothing is. */
export function scalingProblem(scaling: ScalingSpec): string | undefined {
  const { min, max, rules, downscaleWindow, upscaleWindow, utcOffsetMinutes } = scaling;
  if (!isBetween(min, 1, MOST_INSTANCES)) return `the least instances must be 1 to ${MOST_INSTANCES}, not ${min}`;
  if (!isBetween(max, min, MOST_INSTANCES)) return `the most instances must be ${min} to ${MOST_INSTANCES}, not ${max}`;
  for (const window of [downscaleWindow, upscaleWindow]) {
    if (!isBetween(window, 0, LONGEST_WINDOW_SECONDS * 1e6)) return `a window is 0 to ${LONGEST_WINDOW_SECONDS} s`;
  }
  if (!isBetween(utcOffsetMinutes, OFFSETS.low, OFFSETS.high)) {
    return `the pool's time is ${OFFSETS.low} to ${OFFSETS.high} minutes ahead of UTC, not ${utcOffsetMinutes}`;
  }
  if (rules.filter(({ kind }) => kind === 'periodic').length > MOST_PERIODIC_RULES) {
    return `there are at most ${MOST_PERIODIC_RULES} periodic rules`;
  }
  const names = new Set<string>();
  /** By what must differ: the times of periodic rules, the metrics of the others. */
  const taken = new Map<string, string>();
  for (const rule of rules) {
    const { name } = rule;
    if (!RULE_NAME.test(name)) {
      return `"${name}" is no rule name: 4 to 64 lowercase letters, digits and -, a letter first and no - last`;
    }
    if (names.has(name)) return `there are two rules "${name}"`;
    names.add(name);
    const problem = rule.kind === 'periodic' ? periodicProblem(rule, scaling) : metricProblem(rule);
    if (problem !== undefined) return `rule "${name}": ${problem}`;
    // Guide 3221: one rule per metric; 3252: a periodic rule is not added twice.
    const key = rule.kind === 'periodic' ? cronKey(parseCron(rule.schedule)!) : rule.metric;
    const other = taken.get(key);
    if (other !== undefined) {
      return `rules "${other}" and "${name}" ${rule.kind === 'periodic' ? 'come up at the same times' : `are both of ${key}`}`;
    }
    taken.set(key, name);
  }
  return undefined;
}

function periodicProblem({ schedule, target }: PeriodicRule, { min, max }: ScalingSpec): string | undefined {
  const cron = parseCron(schedule);
  if (cron === undefined) {
    return `"${schedule}" is no schedule: minute, hour, day of month, month and day of week, as in "30 8 * * 1-5"`;
  }
  if (nextCron(cron, 0, 0) === undefined) return `"${schedule}" never comes up`;
  return isBetween(target, min, max) ? undefined : `its target must be ${min} to ${max} instances, not ${target}`;
}

function metricProblem({ metric, target }: MetricRule): string | undefined {
  if (!(target > 0 && target < Number.POSITIVE_INFINITY)) return `its target must be above 0, not ${target}`;
  return metric === 'kv-utilization' && target > 1 ? `its target must be a share, 0 to 1, not ${target}` : undefined;
}

function isBetween(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high;
}
