import { describe, expect, test } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { ProbeKind, ProbesSpec } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { everySecond, LOADED, nodes, plain, pool, STARTED, Watched } from '../support/pods.ts';
import { DEPLOYMENT, SERVICE } from '../support/world.ts';

const POD = { service: SERVICE, deployment: DEPLOYMENT, instance: 0 };
const STARTUP: ProbesSpec = { startup: everySecond({ failureThreshold: 60 }) };
const ALL: ProbesSpec = { ...STARTUP, readiness: everySecond(), liveness: everySecond() };
const KINDS: readonly ProbeKind[] = ['startup', 'readiness', 'liveness'];

function probed(probes: ProbesSpec): Watched {
  return new Watched(plain({ probes }));
}

/** The seconds at which checks of a kind failed. */
function failures(watched: Watched, kind: ProbeKind): number[] {
  const name = kind[0]!.toUpperCase() + kind.slice(1);
  return watched.told
    .filter(({ reason, message }) => reason === 'Unhealthy' && message.includes(`${name} probe`))
    .map(({ at }) => at);
}

describe('what probes are for', () => {
  guideRule(4058, 'a container whose process crashes is restarted', () => {
    const watched = probed(ALL)
      .until(30)
      .strike({ kind: 'crash-container', ...POD });
    expect(watched.pod(0).phase).toBe('waiting');
    watched.until(50);
    expect(watched.of(0, 'Started')).toEqual(['13 Started', '32 Started']);
    expect(watched.pods).toHaveLength(1);
    expect(watched.pod(0)).toMatchObject({ ready: true, restarts: 1 });
  });

  guideRule(4059, 'an upgrade goes on only when new instances pass their health checks', () => {
    const spec = plain({ probes: ALL });
    const watched = new Watched(spec).until(30);
    const slow = { ...spec.units[0]!, environment: { VERSION: '2' } };
    const next = { ...spec, units: [slow] };
    expect(watched.operate({ kind: 'upgrade', service: SERVICE, deployment: DEPLOYMENT, spec: next })).toBeUndefined();
    // The image is on one node; the new pod loads from 33 s on, or later.
    while (watched.pods[1]?.ready !== true) {
      expect(watched.pod(0).ready).toBe(true);
      expect(watched.status).toBe('UPGRADING');
      watched.until(watched.world.now / 1e6 + 1);
    }
    watched.until(100);
    expect(watched.pod(0).phase).toBe('terminated');
    expect(watched.status).toBe('RUNNING');
  });

  guideRule(4064, 'a probe that the image does not serve fails the deployment', () => {
    const image = { name: 'image', sizeGiB: 10, healthPaths: ['/healthz'] };
    const probes = { startup: everySecond({ failureThreshold: 10 }) };
    const watched = new Watched(plain({ probes, image }, { deployTimeout: fromSeconds(180) })).until(200);
    expect(watched.status).toBe('FAILED');
    expect(watched.messages('Unhealthy').at(-1)).toMatch('GET /health: statuscode 404');
    expect(watched.of(SERVICE, 'serviceDeploymentTimedOut')).toEqual(['180 serviceDeploymentTimedOut']);
    expect(watched.of(0, 'CrashLoopBackOff').length).toBeGreaterThan(1);
  });

  guideRule(4065, 'with probes a stop is delayed by three minutes', () => {
    const stopped = (probes: ProbesSpec): number => {
      const watched = probed(probes).until(30);
      watched.operate({ kind: 'stop', service: SERVICE, deployment: DEPLOYMENT });
      watched.until(300);
      expect(watched.status).toBe('STOPPED');
      return watched.times(0, 'Killing')[0]!;
    };
    expect(stopped({ readiness: everySecond() })).toBe(30 + 180);
    expect(stopped({})).toBe(31);
  });

  guideRule(4066, 'probes work in dedicated and public pools', () => {
    for (const type of ['dedicated', 'public'] as const) {
      const watched = new Watched(plain({ probes: ALL }), { pools: [pool([nodes(1)], { type })] }).until(30);
      expect(watched.of(0, 'Healthy')).toEqual(['18 Healthy', '18 Healthy', '18 Healthy']);
    }
  });

  guideRule(4076, 'the three probes are set alone or together', () => {
    for (let chosen = 0; chosen < 8; chosen++) {
      const kinds = KINDS.filter((_, index) => (chosen & (1 << index)) !== 0);
      const watched = probed(Object.fromEntries(kinds.map((kind) => [kind, everySecond({ failureThreshold: 60 })])));
      watched.until(40);
      expect(watched.pod(0).ready).toBe(true);
      expect(watched.of(0, 'Healthy')).toHaveLength(kinds.length);
    }
  });
});

describe('the three probes', () => {
  guideRule(4078, 'readiness and liveness wait until the startup probe succeeds', () => {
    const watched = probed(ALL).until(60);
    expect(failures(watched, 'startup')).toEqual([13, 14, 15, 16, 17]);
    expect([...failures(watched, 'readiness'), ...failures(watched, 'liveness')]).toEqual([]);
    expect(watched.of(0, 'Healthy')).toEqual(['18 Healthy', '18 Healthy', '18 Healthy']);
    // Without it they would not have waited: three failures, and the container is started again.
    const impatient = probed({ liveness: everySecond() }).until(16);
    expect(failures(impatient, 'liveness')).toEqual([13, 14, 15]);
    expect(impatient.of(0, 'Killing')).toEqual(['15 Killing']);
  });

  guideRule(4078, 'a startup probe that fails restarts the instance', () => {
    const watched = probed({ startup: everySecond() }).until(40);
    expect(failures(watched, 'startup').slice(0, 6)).toEqual([13, 14, 15, 17, 18, 19]);
    expect(watched.of(0, 'Started', 'Killing', 'CrashLoopBackOff').slice(0, 5)).toEqual([
      '13 Started',
      '15 Killing',
      '17 Started',
      '19 Killing',
      '19 CrashLoopBackOff',
    ]);
  });

  guideRule(4078, 'without a startup probe a service runs once scheduled, while its model still loads', () => {
    const watched = probed({});
    expect(watched.status).toBe('DEPLOYING');
    watched.until(0);
    expect(watched.serviceStatus).toBe('RUNNING');
    expect(watched.pod(0).phase).toBe('mounting');
    expect(watched.messages('noStartupProbe')[0]).toMatch('Deployment [main] has no [Health Check > Startup Probe]');
    for (const second of [0, 5, STARTED, LOADED - 1]) {
      watched.until(second);
      expect(watched.call().state).toBe('refused');
    }
    watched.until(LOADED);
    expect(watched.call().state).toBe('open');
  });

  test('with a startup probe a service runs when its readiness probe has passed as well', () => {
    const readiness = everySecond({ delay: fromSeconds(7), interval: fromSeconds(7) });
    const watched = probed({ ...STARTUP, readiness }).until(LOADED + 6);
    expect(watched.of(0, 'Healthy')).toEqual([`${LOADED} Healthy`]);
    expect([watched.serviceStatus, watched.call().state]).toEqual(['DEPLOYING', 'refused']);
    watched.until(LOADED + 7);
    expect([watched.serviceStatus, watched.call().state]).toEqual(['RUNNING', 'open']);
    // A container that is started again has to pass once more.
    watched.strike({ kind: 'crash-container', ...POD }).until(LOADED + 15);
    expect([watched.pod(0).phase, watched.serviceStatus]).toEqual(['running', 'ERROR']);
    watched.until(LOADED + 30);
    expect(watched.serviceStatus).toBe('RUNNING');
    // Without a startup probe it runs at once (guide 4078), ready or not.
    const at = probed({ readiness }).until(0);
    expect([at.serviceStatus, at.call().state]).toEqual(['RUNNING', 'refused']);
  });

  guideRule(4079, 'a pod that fails readiness gets no traffic', () => {
    const watched = new Watched(plain({ probes: { ...STARTUP, readiness: everySecond() } }, { instances: 2 })).until(
      40,
    );
    watched.strike({ kind: 'hang-container', ...POD });
    // Asked at 41, 42 and 43 s, each time for a second in vain: until the third it is in, and its requests wait.
    watched.until(44);
    expect(failures(watched, 'readiness').slice(-3)).toEqual([42, 43, 44]);
    expect(watched.pod(0).ready).toBe(false);
    const replies = Array.from({ length: 6 }, () => watched.call());
    watched.until(50);
    expect(replies.map(({ state }) => state)).toEqual(Array(6).fill('finished'));
    expect(watched.pod(0)).toMatchObject({ phase: 'running', restarts: 0 });
  });

  guideRule(4081, 'a pod gets traffic again when readiness succeeds', () => {
    const watched = new Watched(plain({ probes: { ...STARTUP, readiness: everySecond() } })).until(40);
    watched.strike({ kind: 'hang-container', ...POD, lasting: fromSeconds(20.5) }).until(60);
    expect(watched.call().state).toBe('refused');
    watched.until(62);
    expect(watched.pod(0).ready).toBe(true);
    expect(watched.call().state).toBe('open');
    expect(watched.times(0, 'Healthy').at(-1)).toBeGreaterThan(60.5);
  });

  guideRule(4083, 'a pod that fails liveness is restarted', () => {
    const watched = probed({ ...STARTUP, liveness: everySecond() }).until(40);
    watched.strike({ kind: 'hang-container', ...POD }).until(80);
    expect(failures(watched, 'liveness')).toEqual([42, 43, 44]);
    expect(watched.of(0, 'Started', 'Killing')).toEqual(['13 Started', '44 Killing', '46 Started']);
    expect(watched.messages('Killing').at(-1)).toMatch('Its liveness probe failed too often.');
    // The hang ended with its process.
    expect(watched.pod(0)).toMatchObject({ ready: true, up: true, restarts: 1 });
  });
});

describe('how a probe checks', () => {
  guideRule(4088, 'an HTTP check passes with a status of 200 to 399', () => {
    const watched = probed(STARTUP).until(60);
    expect(new Set(watched.messages('Unhealthy'))).toEqual(
      new Set(['The health check fails. Startup probe failed: GET /health: connection refused.']),
    );
    expect(watched.of(0, 'Healthy')).toEqual(['18 Healthy']);
  });

  guideRule(4088, 'a command check passes with exit code 0', () => {
    const check = { kind: 'command', command: 'curl -sf localhost:8000/health' } as const;
    const watched = probed({ startup: everySecond({ check, failureThreshold: 60 }) }).until(60);
    expect(watched.messages('Unhealthy')[0]).toMatch(`${check.command} returned 1.`);
    expect(watched.of(0, 'Healthy')).toEqual(['18 Healthy']);
  });

  guideRule(4090, 'a check command that the image lacks gives Command not found', () => {
    const check = { kind: 'command', command: 'curl localhost' } as const;
    const image = { name: 'image', sizeGiB: 10, tools: ['sh', 'nc'] };
    const watched = new Watched(plain({ probes: { startup: everySecond({ check }) }, image })).until(60);
    expect(watched.of(0, 'Healthy')).toEqual([]);
    expect(watched.messages('Unhealthy')[0]).toMatch('curl localhost: Command not found.');
  });

  guideRule(4090, 'a check script needs an interpreter', () => {
    const script = '/home/ma-user/health.sh';
    const image = { name: 'image', sizeGiB: 10, tools: ['sh'] };
    const healthy = (command: string): boolean => {
      const startup = everySecond({ check: { kind: 'command', command }, failureThreshold: 60 });
      return new Watched(plain({ probes: { startup }, image })).until(30).of(0, 'Healthy').length > 0;
    };
    expect(healthy(script)).toBe(false);
    expect(healthy(`sh ${script}`)).toBe(true);
  });

  guideRule(4093, 'a probe checks once every interval', () => {
    for (const seconds of [1, 2, 5]) {
      const startup = everySecond({ interval: fromSeconds(seconds), failureThreshold: 60 });
      const watched = probed({ startup }).until(60);
      const expected = Array.from({ length: Math.ceil(5 / seconds) }, (_, nth) => STARTED + nth * seconds);
      expect(failures(watched, 'startup')).toEqual(expected);
    }
  });

  guideRule(4094, 'the first check comes after the delay', () => {
    const startup = everySecond({ delay: fromSeconds(3), failureThreshold: 60 });
    expect(failures(probed({ startup }).until(60), 'startup')).toEqual([16, 17]);
  });

  guideRule(4094, 'readiness and liveness start their delay after the startup probe succeeds', () => {
    const readiness = everySecond({ delay: fromSeconds(7) });
    const watched = probed({ ...STARTUP, readiness }).until(60);
    expect(watched.of(0, 'Healthy')).toEqual(['18 Healthy', '25 Healthy']);
    // Without a startup probe it begins with the container.
    expect(probed({ readiness }).until(60).of(0, 'Healthy')).toEqual(['20 Healthy']);
  });

  guideRule(4094, 'a delay shorter than the interval is skipped', () => {
    const checks = (interval: number, delay: number): number[] => {
      const startup = everySecond({ interval: fromSeconds(interval), delay: fromSeconds(delay), failureThreshold: 60 });
      return failures(probed({ startup }).until(60), 'startup');
    };
    expect(checks(4, 3)).toEqual([13, 17]);
    expect(checks(4, 4)).toEqual([17]);
    expect(checks(3, 4)).toEqual([17]);
  });

  guideRule(4095, 'a check without an answer within its timeout has failed', () => {
    const liveness = everySecond({ interval: fromSeconds(10), timeout: fromSeconds(4), failureThreshold: 9 });
    const hang = (lasting: number): number[] => {
      const watched = probed({ ...STARTUP, liveness }).until(30);
      watched.strike({ kind: 'hang-container', ...POD, lasting: fromSeconds(lasting) }).until(60);
      return failures(watched, 'liveness');
    };
    // Asked at 38 and 48 s.
    expect(hang(25)).toEqual([42, 52]);
    expect(hang(13)).toEqual([42]);
    // It answers again before the check gives up.
    expect(hang(11)).toEqual([]);
  });

  guideRule(4096, 'only failures in a row up to the threshold count; a success starts anew', () => {
    const liveness = everySecond({ interval: fromSeconds(5), failureThreshold: 3 });
    const watched = probed({ ...STARTUP, liveness }).until(40);
    // Two checks in vain, one that passes, and two in vain again.
    watched.strike({ kind: 'hang-container', ...POD, lasting: fromSeconds(11) }).until(54);
    watched.strike({ kind: 'hang-container', ...POD, lasting: fromSeconds(10) }).until(100);
    expect(failures(watched, 'liveness')).toHaveLength(4);
    expect(watched.pod(0)).toMatchObject({ restarts: 0, ready: true });
    watched.strike({ kind: 'hang-container', ...POD }).until(120);
    expect(failures(watched, 'liveness')).toHaveLength(7);
    expect(watched.pod(0).restarts).toBe(1);
  });

  guideRule(4096, 'too many failed checks during startup end Abnormal', () => {
    const watched = probed({ startup: everySecond() }).until(STARTED + 1);
    expect(watched.status).toBe('DEPLOYING');
    watched.until(STARTED + 2);
    expect(watched.status).toBe('ERROR');
    expect(watched.serviceStatus).toBe('ERROR');
    // It goes on trying.
    watched.until(60);
    expect(watched.pod(0).restarts).toBeGreaterThan(1);
  });

  guideRule(4096, 'too many failed checks while running end in Alarm', () => {
    for (const kind of ['readiness', 'liveness'] as const) {
      const probes = { ...STARTUP, [kind]: everySecond() };
      const watched = new Watched(plain({ probes }, { instances: 2 })).until(40);
      expect(watched.serviceStatus).toBe('RUNNING');
      watched.strike({ kind: 'hang-container', ...POD }).until(43.9);
      expect(watched.serviceStatus).toBe('RUNNING');
      watched.until(44);
      expect(watched.serviceStatus).toBe('CONCERNING');
    }
  });
});

test('a pod that failed its startup probe counts as up once it has passed', () => {
  // Slow storage: the first container is given up, the second comes up.
  const storage = { kind: 'obs', address: 'obs://models/', mountPath: '/model/', hostCache: false } as const;
  const probes = { startup: everySecond({ failureThreshold: 30 }) };
  const slow = { kind: 'storage-slow', storage: 'obs', factor: 10, lasting: fromSeconds(20) } as const;
  const watched = new Watched(plain({ probes, storage })).strike(slow).until(100);
  expect(watched.pod(0)).toMatchObject({ restarts: 1, started: true, up: true, unwell: false });
  expect(watched.status).toBe('RUNNING');
});
