import { describe, expect, test } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import type { GracefulShutdownSpec } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { everySecond, IMAGE_GIB, nodes, plain, pool, Watched } from '../support/pods.ts';
import { DEPLOYMENT, SERVICE } from '../support/world.ts';

const POD = { service: SERVICE, deployment: DEPLOYMENT, instance: 0 };
const startup = everySecond({ failureThreshold: 600 });
const probes = { startup };

function shutdown(timeout: number, takes = 0, command?: string): GracefulShutdownSpec {
  const times = { timeout: fromSeconds(timeout), commandTakes: fromSeconds(takes) };
  return command === undefined ? times : { ...times, command };
}

describe('the way up', () => {
  const watched = new Watched(plain({ probes })).until(30);
  const at = (second: number, reason: string): void => {
    expect(watched.of(0, reason)).toEqual([`${second} ${reason}`]);
  };

  guideRule(4495, 'pod event Scheduled', () => at(0, 'Scheduled'));
  guideRule(4496, 'pod event SuccessfulMountVolume', () => at(1, 'SuccessfulMountVolume'));
  guideRule(4497, 'pod event Pulling', () => at(1, 'Pulling'));
  guideRule(4498, 'pod event Pulled', () => at(1 + IMAGE_GIB, 'Pulled'));
  guideRule(4493, 'pod event SuccessfulCreate', () => at(11, 'SuccessfulCreate'));
  guideRule(4494, 'pod event Started', () => at(13, 'Started'));
  guideRule(4499, 'pod event Healthy', () => at(18, 'Healthy'));
  guideRule(4500, 'pod event Killing', () => {
    const killed = new Watched(plain({ probes })).until(30).strike({ kind: 'kill-pod', ...POD });
    expect(killed.of(0, 'Killing')).toEqual(['30 Killing']);
  });

  guideRule(4368, 'pod events tell the life and the errors of each pod', () => {
    expect(watched.of(0).filter((line) => !line.endsWith('Unhealthy'))).toEqual([
      '0 Scheduled',
      '1 SuccessfulMountVolume',
      '1 Pulling',
      '11 Pulled',
      '11 SuccessfulCreate',
      '13 Started',
      '18 Healthy',
    ]);
    expect(watched.of(0, 'Unhealthy')).toHaveLength(5);
  });

  test('goes through phases and statuses', () => {
    const stages = new Watched(plain({ probes }));
    const seen = [0, 5, 12, 15, 20].map((second) => {
      const { phase, status } = stages.until(second).pod(0);
      return `${phase} ${status}`;
    });
    expect(seen).toEqual([
      'mounting PENDING',
      'pulling PENDING',
      'starting PENDING',
      'running PENDING',
      'running RUNNING',
    ]);
  });
});

describe('a container that ends', () => {
  guideRule(4504, 'pod event CrashLoopBackOff: restarts with back-off', () => {
    const watched = new Watched(plain({ probes })).until(20);
    for (let second = 20; second < 1_100; second++) {
      watched.until(second).strike({ kind: 'out-of-memory', ...POD });
    }
    const started = watched.times(0, 'Started');
    // The first restart is at once; then 10 s, doubled to 300 s. It runs for less than a second, and starts in 2.
    const waits = started.slice(1).map((at, index) => at - started[index]!);
    expect(waits.slice(1).map((wait) => Math.floor(wait - 2))).toEqual([10, 20, 40, 80, 160, 300, 300]);
    expect(watched.of(0, 'CrashLoopBackOff')).toHaveLength(started.length - 1);
    expect(watched.messages('CrashLoopBackOff')[0]).toMatch(
      'OOMKilled: its process used more memory than it has. Restarted 2 times.',
    );
    expect(watched.pods).toHaveLength(1);
  });

  test('after ten minutes is started at once again', () => {
    const crashes = (apart: number): number[] => {
      const watched = new Watched(plain({ probes })).until(100);
      for (const nth of [0, 1, 2]) watched.until(100 + nth * apart).strike({ kind: 'crash-container', ...POD });
      const last = 100 + 2 * apart;
      return watched
        .until(last + 100)
        .times(0, 'Started')
        .slice(-1)
        .map((at) => at - last);
    };
    expect(crashes(602)).toEqual([2]);
    expect(crashes(601)).toEqual([22]);
  });

  test('goes on counting when its volumes did not mount meanwhile', () => {
    const watched = new Watched(plain({ probes }, { secrets: [{ kind: 'dew', name: 'key', mountPath: '/key/' }] }));
    watched
      .until(30)
      .strike({ kind: 'crash-container', ...POD })
      .until(40);
    watched.strike({ kind: 'delete-secret', secret: 'key', lasting: fromSeconds(5) });
    watched.strike({ kind: 'crash-container', ...POD }).until(100);
    watched.strike({ kind: 'crash-container', ...POD }).until(150);
    const started = watched.times(0, 'Started');
    expect(started).toEqual([13, 32, 52, 122]);
  });
});

describe('shutdown', () => {
  guideRule(426, 'a long shutdown command lengthens the restart after a failed health check', () => {
    const restarted = (takes: number, timeout: number): number => {
      const unit = { probes: { startup, liveness: everySecond() }, gracefulShutdown: shutdown(timeout, takes) };
      const watched = new Watched(plain(unit))
        .until(30)
        .strike({ kind: 'hang-container', ...POD })
        .until(200);
      expect(watched.of(0, 'Killing')).toEqual(['34 Killing']);
      expect(watched.pod(0).ready).toBe(true);
      return watched.times(0, 'Started')[1]!;
    };
    expect(restarted(0, 60)).toBe(36);
    expect(restarted(25, 60)).toBe(61);
    expect(restarted(90, 60)).toBe(96);
  });

  guideRule(3966, 'a shutdown command whose tools the image lacks fails', () => {
    const ended = (tools: readonly string[] | undefined): Watched => {
      const image = { name: 'image', sizeGiB: 10, ...(tools === undefined ? {} : { tools }) };
      const watched = new Watched(plain({ probes, image, gracefulShutdown: shutdown(60, 20, 'sleep 20') })).until(30);
      const reply = watched.call(500);
      watched.operate({ kind: 'delete-pod', ...POD, force: false });
      watched.until(100);
      expect(reply.state).toBe(tools === undefined || tools.includes('sleep') ? 'finished' : 'cut');
      return watched;
    };
    expect(ended(undefined).of(1, 'Scheduled')).toEqual(['50 Scheduled']);
    expect(ended(['sh', 'sleep']).of(1, 'Scheduled')).toEqual(['50 Scheduled']);
    const failed = ended(['sh']);
    expect(failed.of(1, 'Scheduled')).toEqual(['30 Scheduled']);
    expect(failed.messages('Killing')[0]).toMatch('Its shutdown command failed.');
  });

  test('of several pods goes in two batches', () => {
    const unit = { probes, pods: 3, gracefulShutdown: shutdown(30, 10) };
    const watched = new Watched(plain(unit), { pools: [pool([nodes(1)])] }).until(60);
    watched.operate({ kind: 'stop', service: SERVICE, deployment: DEPLOYMENT });
    // Held back by three minutes.
    const left = (): number => watched.pods.filter(({ phase }) => phase === 'terminating').length;
    expect(watched.until(240).pods.map(({ grace }) => grace)).toEqual(['runs', 'waits', 'waits']);
    watched.until(249.9);
    expect(left()).toBe(3);
    watched.until(250);
    expect(watched.pods.map(({ grace }) => grace)).toEqual([undefined, 'runs', 'runs']);
    watched.until(259.9);
    expect(left()).toBe(2);
    watched.until(260);
    expect(watched.status).toBe('STOPPED');
  });

  test('of a pod whose node is lost waits for the node, whatever happens to its first', () => {
    const unit = { probes, pods: 2, resources: { cpu: 1, memoryGiB: 32, accelerators: 8 } };
    const watched = new Watched(plain(unit)).until(60);
    const lost = watched.pod(1);
    watched.strike({ kind: 'node-crash', node: lost.placement!.node.name, lasting: fromSeconds(500) }).until(120);
    watched.operate({ kind: 'stop', service: SERVICE, deployment: DEPLOYMENT });
    watched.until(400);
    expect(watched.pod(0).phase).toBe('terminated');
    expect(lost.phase).toBe('terminating');
    watched.until(560);
    expect(lost.phase).toBe('terminated');
    expect(watched.status).toBe('STOPPED');
  });
});

guideRule(329, 'a node fault interrupts a single-node deployment; nothing switches over by itself', () => {
  const watched = new Watched(plain({ probes })).until(30);
  const reply = watched.call(4_000);
  watched.until(31).strike({ kind: 'node-crash', node: 'npus-node-0' });
  expect(reply.state).toBe('cut');
  watched.until(2_000);
  expect(watched.pods).toHaveLength(1);
  expect(watched.call().state).toBe('refused');
});
