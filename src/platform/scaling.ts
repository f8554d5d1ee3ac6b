import {
  after,
  type EventKind,
  type EventToken,
  fromSeconds,
  type Kernel,
  micros,
  NO_EVENT,
  Priority,
} from '../kernel/index.ts';
import { nextCron, parseCron } from './cron.ts';
import type { Deployment } from './deployment.ts';
import type { Rollouts } from './rollout.ts';
import { readMetric, WishWindows, wishOf } from './scaling-formula.ts';
import type { ScalingPolicy, ScalingRecord, ScalingRuleState } from './scaling-policy.ts';
import type { MetricRule, ScalingRule, ScalingSpec } from './scaling-spec.ts';
import type { DeploymentStatus } from './states.ts';

/** Metric rules look so often (Kubernetes' HPA). */
const PERIOD = fromSeconds(15);
/** From rules being set to their acting. Assumed. */
const CONFIGURATION = fromSeconds(1);
/** Rules act in these; in any other a periodic rule has failed. */
const ACTS_IN: readonly DeploymentStatus[] = ['RUNNING', 'CONCERNING'];

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A rule as it is kept. Its number is its place among all rules that ever were. */
interface Rule<Kind extends ScalingRule = ScalingRule> extends Mutable<ScalingRuleState> {
  readonly deployment: Deployment;
  readonly rule: Kind;
  /** When it next comes up. */
  token: EventToken;
}

/** The rules of a deployment, in force or deleted. */
interface Policy {
  readonly spec: ScalingSpec;
  readonly deleted: boolean;
  readonly rules: readonly Rule[];
  readonly windows: WishWindows;
  /** When new rules are configured, and when metrics are next looked at. */
  readonly configured: EventToken;
  look: EventToken;
  executing: { readonly record: Mutable<ScalingRecord>; readonly by: Rule } | undefined;
}

/**
 * Automatic scaling. Periodic rules set a number at their time, metric rules hold a metric at its target per instance,
 * as Kubernetes' HorizontalPodAutoscaler does. Rules are the deployment's, not a version's (the contract binds a policy
 * to a deployment): switching versions and rolling back leave them as they are.
 *
 * Each execution is recorded. One that comes up while the deployment does not run, or is being changed by hand, fails
 * at once. A periodic rule takes over from automatic scaling in progress; metric rules wait until that is over.
 */
export class Scaling {
  readonly #kernel: Kernel;
  readonly #epoch: number;
  readonly #rollouts: Rollouts;
  readonly #onConfigured: EventKind;
  readonly #onTime: EventKind;
  readonly #onLook: EventKind;
  readonly #rules: Rule[] = [];
  readonly #policies = new Map<Deployment, Policy>();
  readonly #history: Mutable<ScalingRecord>[] = [];

  /** @param epoch the calendar instant of time zero, milliseconds since 1970 */
  constructor(kernel: Kernel, epoch: number, deployments: readonly Deployment[], rollouts: Rollouts) {
    this.#kernel = kernel;
    this.#epoch = epoch;
    this.#rollouts = rollouts;
    this.#onConfigured = kernel.kind('platform/scaling-configured', Priority.control, (index) =>
      this.#configured(deployments[index]!),
    );
    this.#onTime = kernel.kind('platform/periodic-scaling', Priority.control, (number) =>
      this.#timeHasCome(this.#rules[number]!),
    );
    this.#onLook = kernel.kind('platform/metric-scaling', Priority.control, (index) => this.#look(deployments[index]!));
  }

  /** Every execution, in order. */
  get history(): readonly ScalingRecord[] {
    return this.#history;
  }

  /** Where the automatic scaling of a deployment stands; undefined when it never had any. */
  policyOf(deployment: Deployment): ScalingPolicy | undefined {
    const policy = this.#policies.get(deployment);
    if (policy === undefined) return undefined;
    const { spec, deleted, rules } = policy;
    const active = spec.rules.some(({ enabled }) => enabled);
    return {
      status: deleted ? 'DELETED' : active ? 'ACTIVE' : 'INACTIVE',
      spec,
      rules: rules.map(({ number, rule, status }) => ({ number, rule, status })),
    };
  }

  /** Gives a deployment rules in place of those that it has; undefined deletes them. Equal ones go on undisturbed. */
  set(deployment: Deployment, wanted: ScalingSpec | undefined): void {
    const old = this.#policies.get(deployment);
    const spec = wanted ?? (old && { ...old.spec, rules: [] });
    if (spec === undefined) return;
    const before = old?.spec.utcOffsetMinutes === spec.utcOffsetMinutes ? old.rules : [];
    const rules = spec.rules.map((rule) => before.find(isSame(rule)) ?? this.#newRule(deployment, rule));
    const gone = old?.rules.filter((each) => !rules.includes(each)) ?? [];
    for (const each of gone) {
      this.#kernel.cancel(each.token);
      each.status = 'DELETED';
    }
    if (old !== undefined) {
      this.#kernel.cancel(old.configured);
      this.#kernel.cancel(old.look);
    }
    this.#policies.set(deployment, {
      spec,
      deleted: wanted === undefined,
      rules: [...rules, ...gone.filter(({ rule }) => spec.rules.every(({ name }) => name !== rule.name))],
      windows: new WishWindows(spec.downscaleWindow, spec.upscaleWindow),
      configured: this.#kernel.schedule(this.#onConfigured, after(this.#kernel.now, CONFIGURATION), deployment.index),
      look: NO_EVENT,
      executing: old?.executing,
    });
  }

  /**
   * Automatic scaling of a deployment is over, if any was in progress.
   * @param failed why it failed: then the number stays at what was reached (guide 3216)
   */
  over(deployment: Deployment, failed?: string): void {
    const policy = this.#policies.get(deployment);
    if (policy?.executing === undefined) return;
    const { record, by } = policy.executing;
    policy.executing = undefined;
    if (failed !== undefined) {
      // Instances that it had before and that are down just then are not given up.
      deployment.target = Math.min(deployment.target, Math.max(record.from, deployment.upCount));
    }
    conclude(record, by, deployment.target, failed);
  }

  #newRule(deployment: Deployment, rule: ScalingRule): Rule {
    const made: Rule = { number: this.#rules.length, deployment, rule, status: 'CREATING', token: NO_EVENT };
    this.#rules.push(made);
    return made;
  }

  /** New rules begin to act. */
  #configured(deployment: Deployment): void {
    const policy = this.#policies.get(deployment)!;
    for (const rule of policy.rules) {
      if (rule.status !== 'CREATING') continue;
      rule.status = 'CONFIG_SUCCESS';
      if (rule.rule.enabled) this.#scheduleNext(rule, policy);
    }
    if (policy.rules.some(looks)) this.#scheduleLook(deployment, policy);
  }

  #scheduleNext(each: Rule, { spec }: Policy): void {
    if (each.rule.kind !== 'periodic') return;
    const now = this.#epoch + this.#kernel.now / 1000;
    const next = nextCron(parseCron(each.rule.schedule)!, now, spec.utcOffsetMinutes);
    if (next === undefined) return;
    each.token = this.#kernel.schedule(this.#onTime, micros((next - this.#epoch) * 1000), each.number);
  }

  #timeHasCome(each: Rule): void {
    const { deployment, rule } = each;
    const policy = this.#policies.get(deployment)!;
    this.#scheduleNext(each, policy);
    if (deployment.rollout?.kind === 'auto-scale') {
      this.over(deployment, `rule "${rule.name}" takes over`);
      this.#rollouts.end(deployment);
    }
    this.#scale(each, policy, rule.target);
  }

  #scheduleLook(deployment: Deployment, policy: Policy): void {
    policy.look = this.#kernel.schedule(this.#onLook, after(this.#kernel.now, PERIOD), deployment.index);
  }

  #look(deployment: Deployment): void {
    const policy = this.#policies.get(deployment)!;
    this.#scheduleLook(deployment, policy);
    const { target: current, staying, rollout, status } = deployment;
    const ready = staying.filter((instance) => instance.ready).length;
    if (!ACTS_IN.includes(status) || ready === 0) {
      policy.windows.clear();
      return;
    }
    const wishes = policy.rules.filter(looks).map((by) => {
      const mean = readMetric(deployment, by.rule.metric);
      return { by, wish: wishOf(by.rule.target, { current, ready, unready: staying.length - ready, mean }) };
    });
    // Of several metrics the one that wants most leads, as in Kubernetes.
    const { by, wish } = wishes.reduce((one, other) => (other.wish > one.wish ? other : one));
    const target = policy.windows.add(this.#kernel.now, bounded(wish, policy), current);
    if (target !== current && rollout === undefined) this.#scale(by, policy, target);
  }

  #scale(by: Rule, policy: Policy, wanted: number): void {
    const { deployment, rule } = by;
    const { target: from, status, rollout } = deployment;
    const record: Mutable<ScalingRecord> = {
      at: this.#kernel.now,
      service: deployment.service.name,
      deployment: deployment.name,
      rule: rule.name,
      from,
      target: bounded(wanted, policy),
      final: from,
      status: 'EXECUTING',
      message: '',
    };
    this.#history.push(record);
    if (!ACTS_IN.includes(status)) conclude(record, by, from, `the deployment is ${status}`);
    else if (rollout !== undefined) conclude(record, by, from, 'another change is in progress');
    else {
      policy.executing = { record, by };
      this.#rollouts.begin(deployment, 'auto-scale', deployment.version, record.target);
    }
  }
}

function conclude(record: Mutable<ScalingRecord>, by: Rule, final: number, failed: string | undefined): void {
  record.status = failed === undefined ? 'SUCCESS' : 'FAILED';
  record.final = final;
  record.message = failed ?? '';
  if (by.status !== 'DELETED') by.status = failed === undefined ? 'EXECUTE_SUCCESS' : 'FAILED';
}

function bounded(instances: number, { spec }: Policy): number {
  return Math.min(spec.max, Math.max(spec.min, instances));
}

/** A rule that stays as it is when this one is set. */
function isSame(wanted: ScalingRule): (each: Rule) => boolean {
  const text = JSON.stringify(wanted);
  return ({ rule, status }) => status !== 'DELETED' && JSON.stringify(rule) === text;
}

/** A rule that looks at its metric now. */
function looks(each: Rule): each is Rule<MetricRule> {
  return each.rule.kind === 'metric' && each.rule.enabled && each.status !== 'CREATING' && each.status !== 'DELETED';
}
