import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TASK_STATES, type TaskState } from '../../src/gateway/index.ts';
import { fromSeconds, type Micros } from '../../src/kernel/index.ts';
import { type Command, World } from '../../src/lab/index.ts';
import { quick, quickLab, quickUnit, revised } from '../support/quick.ts';
import { DEPLOYMENT, SERVICE, service } from '../support/world.ts';

const CASES = 50;
const PLACES = 2;
const QUOTA = 8;
/** Longer than any fault, rollout and back-off takes. */
const REST = fromSeconds(2 * 3_600);
const BY = { key: null };

const impatient = quickUnit({ gracefulShutdown: { timeout: fromSeconds(2), commandTakes: fromSeconds(0) } });
const base = quick({ instances: 2, maxConcurrentTasks: PLACES, units: [impatient], deployTimeout: fromSeconds(240) });
const other = { ...base, name: 'other', instances: 1, weight: 30 };

const number = fc.nat({ max: 9 });
/** Answers of a twentieth of a second to eight seconds; a task of the longest waits for most of the script. */
const call = fc.constantFrom(5, 100, 800).map((tokens) => ({
  to: { service: SERVICE },
  key: null,
  promptTokens: 100,
  maxTokens: tokens,
  minTokens: tokens,
}));
const broken = fc.constantFrom({ invalid: 400 }, { model: 'gpt-9' }, { promptTokens: 5_000 });
const instance = fc.nat({ max: 1 });
const target = { service: fc.constant(SERVICE), deployment: fc.constantFrom(DEPLOYMENT, 'other') };

const command = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('create-task'), call, start: fc.constant(true) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('create-task'), call, start: fc.constant(false) }) },
  {
    weight: 1,
    arbitrary: fc.tuple(call, broken).map(([whole, wrong]) => ({
      kind: 'create-task',
      call: { ...whole, ...wrong },
      start: true,
    })),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('start-task', 'stop-task', 'delete-task', 'delete-task'),
      service: fc.constant(SERVICE),
      task: number,
      by: fc.constant(BY),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('update-task'), task: number, call }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fault'),
      fault: fc.oneof(
        fc.record({ kind: fc.constant('kill-pod'), ...target, instance }),
        fc.record({
          kind: fc.constant('hang-container'),
          ...target,
          instance,
          lasting: fc.constantFrom(fromSeconds(3), fromSeconds(40)),
        }),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('operate'),
      operation: fc.oneof(
        fc.record({ kind: fc.constantFrom('start', 'stop'), service: fc.constant(SERVICE) }),
        fc.record({ kind: fc.constantFrom('start', 'stop'), ...target }),
        fc.record({ kind: fc.constant('scale'), ...target, instances: fc.integer({ min: 1, max: 3 }) }),
        fc.record({ kind: fc.constant('delete-instance'), ...target, instance, recreate: fc.boolean() }),
        fc.constant({
          kind: 'upgrade',
          service: SERVICE,
          deployment: DEPLOYMENT,
          spec: { ...revised(base), maxUnavailable: 50 },
        }),
      ),
    }),
  },
) as fc.Arbitrary<unknown> as fc.Arbitrary<Command>;

const script = fc.array(fc.record({ gap: fc.constantFrom(0, 0.1, 0.5, 1, 3, 10), command }), {
  minLength: 20,
  maxLength: 60,
  size: 'max',
});
type Script = readonly { readonly gap: number; readonly command: Command }[];

/** Runs a script event by event. @param watch called after each event */
function run(steps: Script, retries: number, watch: (world: World) => void): { hash: string; lines: string[] } {
  const lines: string[] = [];
  const services = [
    service({
      mode: 'asynchronous',
      maxTasks: QUOTA,
      requestTimeout: fromSeconds(20),
      ...(retries === 0 ? {} : { retry: { count: retries, interval: fromSeconds(1) } }),
      deployments: [base, other],
    }),
  ];
  const world = new World(quickLab([], 2, { services }), { traceSink: (line) => lines.push(line) });
  const until = (end: Micros): void => {
    while (world.kernel.nextAt() <= end) {
      world.kernel.step();
      watch(world);
    }
    world.runUntil(end);
  };
  world.runUntilSettled();
  for (const { gap, command } of steps) {
    until((world.now + fromSeconds(gap)) as Micros);
    world.apply(world.now, command);
    watch(world);
  }
  until((world.now + REST) as Micros);
  return { hash: world.kernel.trace.digest(), lines };
}

describe('whatever is asked and whatever breaks', () => {
  test('tasks keep to their table, their quota and their places, and come to rest', () => {
    fc.assert(
      fc.property(script, fc.constantFrom(0, 2), (steps, retries) => {
        let last: World | undefined;
        const { lines } = run(steps, retries, (world) => {
          last = world;
          world.check();
          expect(world.tasks.quotaOf(world.platform.services[0]!)).toBeLessThanOrEqual(QUOTA);
          for (const deployment of world.platform.deployments) {
            for (const each of deployment.instances) expect(world.tasks.heldBy(each)).toBeLessThanOrEqual(PLACES);
          }
          for (const { state, holder } of world.tasks.all) if (state === 'deleted') expect(holder).toBeUndefined();
        });
        const states = new Map<string, TaskState>();
        for (const line of lines) {
          const [, task, to] = /^\d+ task (\d+)(?: of \S+)? ([a-z_]+)$/.exec(line) ?? [];
          if (task === undefined || to === 'updated') continue;
          const from = states.get(task);
          const allowed: readonly string[] =
            from === undefined ? ['created', 'starting', 'created_failed'] : TASK_STATES[from].next;
          expect(allowed, `task ${task}: ${from} to ${to}`).toContain(to);
          states.set(task, to as TaskState);
        }
        for (const { number: task, state, runs, waits, service: owner } of last?.tasks.all ?? []) {
          expect(states.get(String(task))).toBe(state);
          // With the timeout nothing runs for ever; what waits, waits for room.
          expect(runs, `task ${task} is ${state}`).toBe(false);
          if (!waits) continue;
          const room = owner.deployments
            .flatMap(({ backends }) => backends)
            .some(({ instance: at, loaded }) => loaded && last!.tasks.heldBy(at) < PLACES);
          expect(room, `task ${task} waits beside room`).toBe(false);
        }
      }),
      { numRuns: CASES },
    );
  }, 120_000);

  test('the same commands give the same trace', () => {
    fc.assert(
      fc.property(script, (steps) => {
        const once = run(steps, 1, () => {});
        expect(run(steps, 1, () => {}).hash).toBe(once.hash);
      }),
      { numRuns: 20 },
    );
  });
});
