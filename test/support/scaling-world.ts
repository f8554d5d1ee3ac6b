import { nodeFlavor } from '../../src/catalog/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { LabDescription } from '../../src/lab/index.ts';
import { World } from '../../src/lab/index.ts';
import type { Deployment, OperationSpec, ScalingRule, ScalingSpec } from '../../src/platform/index.ts';
import { DEPLOYMENT, deployment, description, SERVICE, service } from './world.ts';

export const TARGET = { service: SERVICE, deployment: DEPLOYMENT };
/** Worlds begin at midnight, in UTC as in their pool. */
export const MINUTES = (minutes: number): number => minutes * 60;

/** Up to eight instances, inwards after five minutes, outwards at once. */
export function scaling(rules: readonly ScalingRule[], overrides: Partial<ScalingSpec> = {}): ScalingSpec {
  return {
    min: 1,
    max: 8,
    rules,
    downscaleWindow: fromSeconds(300),
    upscaleWindow: fromSeconds(0),
    utcOffsetMinutes: 0,
    ...overrides,
  };
}

/** A rule that comes up every day at half past midnight. */
export function periodic(overrides: Partial<ScalingRule & { kind: 'periodic' }> = {}): ScalingRule {
  return { kind: 'periodic', name: 'morning', enabled: true, schedule: '30 0 * * *', target: 4, ...overrides };
}

/** A rule that holds four requests an instance. */
export function metric(overrides: Partial<ScalingRule & { kind: 'metric' }> = {}): ScalingRule {
  return { kind: 'metric', name: 'busy', enabled: true, metric: 'concurrency', target: 4, ...overrides };
}

/** A quiet world whose service runs. */
export function running(scaling?: ScalingSpec, overrides: Partial<LabDescription> = {}): World {
  const services = [service({ deployments: [deployment(scaling && { scaling })] })];
  const world = new World(description({ services, traffic: [], ...overrides }));
  world.runUntilSettled();
  return world;
}

/** Lets a world run until so many seconds after its beginning. */
export function until(world: World, seconds: number): World {
  world.runUntil(fromSeconds(seconds));
  return world;
}

/** @returns why it was refused */
export function operate(world: World, operation: OperationSpec): string | undefined {
  return world.platform.operate(operation);
}

/** Sets the rules of the first deployment. @returns why they were refused */
export function set(world: World, scaling: ScalingSpec | undefined): string | undefined {
  return operate(world, { kind: 'set-scaling', ...TARGET, scaling });
}

/** The first deployment. */
export function main(world: World): Deployment {
  return world.platform.deployments[0]!;
}

/** Instances that take requests. */
export function ready(world: World): number {
  return main(world).staying.filter((instance) => instance.ready).length;
}

/** The history of automatic scaling, with moments in minutes. */
export function scalings(world: World): object[] {
  return world.platform.scaling.history.map(({ at, rule, from, target, final, status, message }) => {
    return { at: at / 60e6, rule, from, target, final, status, message };
  });
}

/** The rules of a deployment and how they stand. */
export function statuses(world: World, of = main(world)): string[] {
  return world.platform.scaling.policyOf(of)!.rules.map(({ rule, status }) => `${rule.name} ${status}`);
}

/** A request that keeps a pod busy, by default for about a minute and a half. */
export function call(
  world: World,
  to: { slot: string } | { service: string } = { service: SERVICE },
  maxTokens = 6_000,
): void {
  const call = { to, key: null, promptTokens: 100, maxTokens, ignoreEos: true };
  world.apply(world.now, { kind: 'call', call });
}

/** On one node, which takes eight instances. */
export const CROWDED: Partial<LabDescription> = {
  pools: [{ name: 'npus', type: 'dedicated', nodes: [{ flavor: nodeFlavor('snt9b-8'), count: 1 }] }],
};
