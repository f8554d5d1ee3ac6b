import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Call, Reply } from '../../src/gateway/index.ts';
import { fromMillis, fromSeconds, type Micros } from '../../src/kernel/index.ts';
import { type FaultSpec, type LabDescription, mistakeIn } from '../../src/lab/index.ts';
import type { ApplicationUnitSpec, DeploymentSpec, RouteSpec, ServiceSpec } from '../../src/platform/index.ts';
import { figuresOf } from '../../src/scenario/index.ts';
import { ask, called, callLab, tokenTimes, untilEnded } from '../support/calls.ts';
import { Quick, quick, quickUnit, revised } from '../support/quick.ts';
import { DEPLOYMENT, hashOf, SERVICE, traffic } from '../support/world.ts';

const route = (path: string, ms: number, more: Partial<RouteSpec> = {}, everyMs = 0): RouteSpec => ({
  path,
  methods: ['POST'],
  status: 200,
  headers: {},
  task: { latency: { kind: 'fixed', micros: fromMillis(ms) }, every: fromMillis(everyMs) },
  reply: { kind: 'echo' },
  ...more,
});
const ROUTES = [
  route('/one', 500),
  route('/many', 200, { reply: { kind: 'chunks', count: 5, body: '' } }, 300),
  route('/long', 20_000),
  route('/broken', 10, { status: 500 }),
  route('/drawn', 0, {
    task: { latency: { kind: 'lognormal', median: fromMillis(300), sigma: 0.8 }, every: 0 as Micros },
  }),
];

function applied(overrides: Partial<DeploymentSpec> = {}, more: Partial<ApplicationUnitSpec['application']> = {}) {
  const { model: _, servedModelName: __, engine: ___, ...unit } = quickUnit();
  const application = { healthPaths: ['/health'], routes: ROUTES, startup: fromSeconds(1), ...more };
  return quick({ units: [{ ...unit, application }], ...overrides });
}

const askFor = (path: string, method = 'POST'): Partial<Call> => ({ promptTokens: 0, application: { method, path } });
const statuses = ({ world }: Quick, replies: readonly Reply[]): number[] =>
  replies.map(({ number }) => world.requests.record(number).status);

describe('an application behind the gateway', () => {
  test('answers in the time that its route says, piece by piece', () => {
    const lab = called({}, [applied()]);
    const [one, many] = [ask(lab, askFor('/one')), ask(lab, askFor('/many'))];
    untilEnded(lab);
    expect(tokenTimes(one)).toEqual([500_000]);
    expect(tokenTimes(many)).toEqual([200_000, 500_000, 800_000, 1_100_000, 1_400_000]);
    expect([one.state, many.state]).toEqual(['finished', 'finished']);
  });

  test('has the status of its route, 404 and 405 in the log', () => {
    const lab = called({}, [applied()]);
    const replies = [
      askFor('/one'),
      askFor('/broken'),
      askFor('/none'),
      askFor('/one', 'PUT'),
      { promptTokens: 5 },
    ].map((call) => ask(lab, call));
    untilEnded(lab);
    expect(statuses(lab, replies)).toEqual([200, 500, 404, 405, 404]);
  });

  test('has failed a request that it answers with an error of its own, and none that it answers with a 404', () => {
    const lab = called({}, [applied()]);
    for (const path of ['/one', '/broken', '/none', '/broken']) ask(lab, askFor(path));
    untilEnded(lab);
    const { requests, e2eMs, services } = figuresOf(lab.world);
    const counts = { total: 4, completed: 2, failed: 2, errored: 2, refused: 0, cut: 0, aborted: 0, inFlight: 0 };
    expect(requests).toEqual(counts);
    expect(services[SERVICE]!.requests).toEqual(counts);
    // Only completed requests have latencies: what fails at once would flatter them.
    expect([e2eMs.count, e2eMs.max]).toEqual([2, 500]);
  });

  test('is retried elsewhere when its pod crashes before the first piece, and cut after it', () => {
    const lab = called({ retry: { count: 2, interval: fromMillis(100) } }, [applied({ instances: 2 })]);
    const [first, second] = [ask(lab, askFor('/one')), ask(lab, askFor('/many'))];
    // One pod has nothing sent of its answer yet; the other, when its turn comes, has.
    for (const instance of [0, 1]) {
      lab.pass(instance === 0 ? 0.3 : 0.7);
      lab.strike({ kind: 'crash-container', service: SERVICE, deployment: DEPLOYMENT, instance });
    }
    untilEnded(lab);
    expect([first.state, second.state]).toEqual(['finished', 'cut']);
    expect(tokenTimes(second)).toEqual([200_000, 500_000, 800_000]);
  });

  test('opens the circuit breaker of a pod whose answers are errors of its own', () => {
    const lab = called({ circuitBreaker: { errorRate: 0.5 } }, [applied({ instances: 1 })]);
    for (let call = 0; call < 25; call++) {
      ask(lab, askFor('/broken'));
      lab.pass(0.1);
    }
    const after = ask(lab, askFor('/one'));
    expect(after.refusal).toMatchObject({ by: 'gateway', error: 'noBackend' });
    untilEnded(lab);
  });

  describe('whose pod has no room', () => {
    const ONE_PLACE = { concurrency: 1, queue: 0 };
    const slot = ({ world }: Quick): string => world.owners[0]!.slot;
    const full = (settings: Partial<ServiceSpec> = {}, overrides: Partial<LabDescription> = {}): Quick => {
      const guarded = { circuitBreaker: { errorRate: 0.5 }, ...settings };
      const lab = called(guarded, [applied({ instances: 1 }, ONE_PLACE)], overrides);
      ask(lab, { to: { slot: slot(lab) }, ...askFor('/long') });
      return lab;
    };
    const many = (lab: Quick, call: Partial<Call>): Reply[] => Array.from({ length: 25 }, () => ask(lab, call));

    test('opens its circuit breaker with the 503 of its own; refused they are all the same', () => {
      const lab = full();
      const replies = many(lab, askFor('/one'));
      // Enough calls to count (twenty) are its own to refuse; the others do not reach it any more.
      const by = replies.map(({ refusal }) => refusal?.by);
      expect(by).toEqual([...new Array(20).fill('engine'), ...new Array(5).fill('gateway')]);
      untilEnded(lab);
      expect(figuresOf(lab.world).requests).toMatchObject({ completed: 1, refused: 25, errored: 0 });
    });

    test('opens it for what the scenario sends itself', () => {
      const arrivals = { kind: 'poisson', rate: 20 } as const;
      const lab = full({}, { traffic: [traffic({ arrivals, count: 60, route: '/one' })] });
      lab.pass(5);
      expect(ask(lab, askFor('/one')).refusal).toMatchObject({ by: 'gateway', error: 'noBackend' });
      untilEnded(lab);
    });

    test('opens none with what its own endpoint refuses, nor with what the gate does', () => {
      const lab = full({ requestSizeMB: 1 });
      for (const { refusal } of many(lab, { to: { slot: slot(lab) }, ...askFor('/one') })) {
        expect(refusal).toMatchObject({ by: 'engine', error: 'overloaded' });
      }
      many(lab, { bodyBytes: 3_000_000, ...askFor('/one') });
      expect(ask(lab, askFor('/one')).refusal).toMatchObject({ by: 'engine', error: 'overloaded' });
      untilEnded(lab);
    });

    test('counts what comes over a connection until it is open, and the connection goes on', () => {
      const lab = full({ protocol: 'WSS' });
      const key = null;
      lab.world.apply(lab.world.now, { kind: 'connect', handshake: { to: { service: SERVICE }, key } });
      const { refusal } = many(lab, { connection: 0, ...askFor('/one') }).at(-1)!;
      expect(refusal).toMatchObject({ by: 'engine', error: 'overloaded' });
      expect(ask(lab, askFor('/one')).refusal).toMatchObject({ by: 'gateway', error: 'noBackend' });
      untilEnded(lab);
    });

    test('goes on with a task that it holds, though its circuit breaker is open', () => {
      const deployment = applied({ instances: 1, maxConcurrentTasks: 50 }, { concurrency: 30 });
      const settings = { mode: 'asynchronous', maxTasks: 100, circuitBreaker: { errorRate: 0.5 } } as const;
      const lab = called(settings, [deployment]);
      const { world } = lab;
      const create = (path: string): void => {
        const call = { to: { service: SERVICE }, key: null, ...askFor(path), promptTokens: 0 };
        world.apply(world.now, { kind: 'create-task', call, start: true });
      };
      const order = (kind: 'stop-task' | 'start-task') => {
        world.apply(world.now, { kind, service: SERVICE, task: 0, by: { key: null } });
        lab.pass(1);
      };
      create('/long');
      order('stop-task');
      for (let task = 0; task < 25; task++) create('/broken');
      lab.pass(1);
      order('start-task');
      expect(world.tasks.all[0]!.state).toBe('running');
      untilEnded(lab);
    });

    test('has failed those as well that come to it as another try', () => {
      const settings = { retry: { count: 1, interval: fromMillis(10) }, circuitBreaker: { errorRate: 0.5 } };
      const lab = called(settings, [applied({ instances: 2 }, { concurrency: 30, queue: 0 })]);
      const replies = Array.from({ length: 60 }, () => ask(lab, askFor('/long')));
      lab.strike({ kind: 'kill-pod', service: SERVICE, deployment: DEPLOYMENT, instance: 0 });
      lab.pass(1);
      const refused = replies.flatMap(({ refusal }) => refusal?.by ?? []);
      expect(refused).toEqual([...new Array(20).fill('engine'), ...new Array(10).fill('gateway')]);
      untilEnded(lab);
    });
  });

  test('hears preflights without a key, as many as the rate limit lets in, and nothing else', () => {
    const settings = {
      auth: { kind: 'api-key', keys: [] },
      rateLimits: [{ requests: 2, per: 'minute', scope: 'service' }],
    } as const;
    const lab = called(settings, [applied({ instances: 1 })]);
    const asking = { method: 'OPTIONS', path: '/one' };
    const preflight = { promptTokens: 0, application: { ...asking, preflight: true } } as const;
    const plain = ask(lab, { promptTokens: 0, application: asking });
    const replies = [1, 2, 3].map(() => ask(lab, preflight));
    untilEnded(lab);
    expect(statuses(lab, [plain, ...replies])).toEqual([401, 204, 204, 429]);
  });

  test('turns away what comes beyond its places and its queue', () => {
    const lab = called({}, [applied({ instances: 1 }, { concurrency: 2, queue: 1 })]);
    const replies = [1, 2, 3, 4, 5].map(() => ask(lab, askFor('/one')));
    untilEnded(lab);
    expect(statuses(lab, replies)).toEqual([200, 200, 200, 503, 503]);
    expect(replies[3]!.refusal).toMatchObject({ by: 'engine', error: 'overloaded' });
  });

  test('hung, gets on with nothing; its time over, it is told so', () => {
    const lab = called({ requestTimeout: fromSeconds(2) }, [applied({ instances: 1 })]);
    const reply = ask(lab, askFor('/one'));
    lab.strike({ kind: 'hang-container', service: SERVICE, deployment: DEPLOYMENT, instance: 0 });
    untilEnded(lab);
    expect([reply.refusal, reply.endedAt - reply.arrivedAt]).toMatchObject([{ error: 'backendTimeout' }, 2_000_000]);
  });

  test('whose health path is not what the probe asks never comes up', () => {
    const lab = new Quick(callLab({}, [applied({}, { healthPaths: ['/other'] })]));
    expect(lab.untilStatus('ERROR')).toBe(true);
    const told = lab.world.events.all().filter(({ reason }) => reason === 'Unhealthy');
    expect(told.at(-1)!.message).toContain('GET /health: statuscode 404');
  });

  test('takes the next version while requests are on', () => {
    const spec = applied({ instances: 2, maxSurge: 50, maxUnavailable: 50 });
    const lab = called({}, [spec]);
    const replies: Reply[] = [];
    expect(lab.upgrade(revised(spec))).toBeUndefined();
    while (lab.status === 'UPGRADING' && replies.length < 500) {
      replies.push(ask(lab, askFor('/one')));
      lab.pass(0.2);
    }
    untilEnded(lab);
    expect(lab.status).toBe('RUNNING');
    expect(new Set(statuses(lab, replies))).toEqual(new Set([200]));
  });
});

const fault: fc.Arbitrary<{ readonly at: number; readonly fault: FaultSpec }> = fc.record({
  at: fc.nat(20_000),
  fault: fc
    .record({
      kind: fc.constantFrom('kill-pod', 'hang-container', 'crash-container', 'slow-engine'),
      instance: fc.nat(1),
      lasting: fc.integer({ min: 100, max: 8_000 }),
    })
    .map(({ kind, instance, lasting }): FaultSpec => {
      const pod = { service: SERVICE, deployment: DEPLOYMENT, instance };
      const duration = fromMillis(lasting);
      if (kind === 'kill-pod' || kind === 'crash-container') return { kind, ...pod } as FaultSpec;
      if (kind === 'hang-container') return { kind, ...pod, duration } as FaultSpec;
      return { kind: 'slow-engine', ...pod, factor: 3, duration } as FaultSpec;
    }),
});
const client = fc.record({
  at: fc.nat(20_000),
  path: fc.constantFrom('/one', '/many', '/broken', '/drawn', '/none'),
  leaves: fc.option(fc.nat(2_000), { nil: undefined }),
});

describe('whatever happens to an application', () => {
  test('every request ends once, everything is conserved on the way, and the same again gives the same trace', () => {
    fc.assert(
      fc.property(
        fc.array(fault, { maxLength: 5 }),
        fc.array(client, { maxLength: 12 }),
        fc.record({ concurrency: fc.integer({ min: 1, max: 3 }), queue: fc.nat(4) }),
        (faults, clients, places) => {
          const settings = {
            retry: { count: 2, interval: fromMillis(200) },
            requestTimeout: fromSeconds(5),
            circuitBreaker: { errorRate: 0.5 },
          };
          const arrivals = { kind: 'poisson', rate: 3 } as const;
          const own = traffic({ arrivals, count: 40, route: '/drawn' });
          const live = (): string => {
            const lab = called(settings, [applied({ instances: 2 }, places)], { traffic: [own] });
            const zero = lab.world.now;
            const events = [
              ...faults.map(({ at, fault }) => ({ at, run: () => lab.strike(fault) })),
              ...clients.map(({ at, path, leaves }) => ({
                at,
                run: () => {
                  const { number } = ask(lab, askFor(path));
                  if (leaves === undefined) return;
                  const then = (lab.world.now + fromMillis(leaves)) as Micros;
                  lab.world.apply(then, { kind: 'disconnect', request: number });
                },
              })),
            ].sort((one, other) => one.at - other.at);
            for (const { at, run } of events) {
              lab.world.runUntil(Math.max(lab.world.now, zero + fromMillis(at)) as Micros);
              run();
              lab.world.check();
            }
            lab.world.runUntil((zero + fromSeconds(60)) as Micros);
            untilEnded(lab);
            expect(lab.world.requests.inFlight).toBe(0);
            return hashOf(lab.world);
          };
          expect(live()).toBe(live());
        },
      ),
      { numRuns: 40 },
    );
  });
});

test('a journal whose call asks for nothing that can be is refused', () => {
  const { world } = called({}, [applied()]);
  const mistake = (application: unknown): string | undefined => {
    const call = { to: { service: SERVICE }, key: null, promptTokens: 0, application } as Call;
    return mistakeIn({ kind: 'call', call }, world.platform, world.cluster);
  };
  expect(mistake({ method: 'GET', path: '/one' })).toBeUndefined();
  expect(mistake({ method: 'GET', path: null, socket: 'push' })).toBeUndefined();
  expect(mistake({ method: 'OPTIONS', path: '/one', preflight: true })).toBeUndefined();
  for (const wrong of [
    {},
    { method: 'GET' },
    { method: 1, path: null },
    { method: 'GET', path: null, socket: 'pull' },
    { method: 'POST', path: '/one', preflight: true },
    { method: 'OPTIONS', path: '/one', preflight: 1 },
    { method: 'OPTIONS', path: '/one', preflight: true, socket: 'message' },
    3,
  ]) {
    expect(mistake(wrong)).toBe('a call that asks nothing of an application');
  }
});
