import { describe, expect, test } from 'vitest';
import { World } from '../../src/lab/index.ts';
import { describe as describeLab, judge, readScenario, type Verdict } from '../../src/scenario/index.ts';
import { chatService, scenario } from '../support/scenario.ts';

const REQUESTS = 200;
const UNITS = [{ model: 'qwen3-8b', engine: { maxModelLen: 4096 } }];
const deployment = (name: string, more: object) => ({ name, pool: 'npu', instances: 1, units: UNITS, ...more });

/** A service that is released to a tenth of its clients and copied to a third deployment; judged at its end. */
function released(expectations: readonly string[], timeline: readonly object[] = []): Verdict {
  const main = deployment('main', { weight: 90 });
  const text = JSON.stringify(
    scenario({
      services: [
        {
          ...chatService('chat', 1),
          deployments: [main, deployment('next', { weight: 10 }), deployment('the-shadow', { mirror: true })],
        },
      ],
      traffic: [
        {
          name: 'users',
          service: 'chat',
          arrivals: { kind: 'constant', rate: 10 },
          count: REQUESTS,
          lengths: { prompt: { kind: 'fixed', tokens: 100 }, output: { kind: 'fixed', tokens: 20 } },
        },
      ],
      timeline,
      expect: expectations,
    }),
  );
  const { lab, expectations: compiled } = describeLab(readScenario(text, 'shares.yaml'), new Map());
  const world = new World(lab);
  world.run();
  return judge(world, compiled, { wallSeconds: 0, reproduce: null });
}

describe('what traffic a deployment got is asserted by expectations (guide 3624, 3647)', () => {
  test('a split of 90:10, and a mirror that gets one request in ten as a copy', () => {
    const verdict = released([
      'services.chat.deployments.main.share == 90 && services.chat.deployments.main.requests == 180',
      'services.chat.deployments.next.share == 10 && services.chat.deployments.next.requests == 20',
      'services.chat.deployments["the-shadow"].copies == 20 && services.chat.deployments["the-shadow"].requests == 0',
      'services.chat.deployments["the-shadow"].share == 0',
      'requests.completed == 200',
    ]);
    expect(verdict.expectations.filter(({ held }) => !held)).toEqual([]);
    expect(verdict.services.chat!.deployments).toEqual({
      main: { requests: 180, share: 90, copies: 0 },
      next: { requests: 20, share: 10, copies: 0 },
      'the-shadow': { requests: 0, share: 0, copies: 20 },
    });
  });

  test('the share is that of the end: by the weights as they are then, and by who runs', () => {
    const weighed = released([], [{ at: '10s', do: 'set-weight', service: 'chat', deployment: 'next', weight: 30 }]);
    expect(weighed.services.chat!.deployments).toMatchObject({ main: { share: 75 }, next: { share: 25 } });
    const stopped = released([], [{ at: '10s', do: 'stop', service: 'chat', deployment: 'next' }]);
    const { main, next } = stopped.services.chat!.deployments;
    expect([main!.share, next!.share]).toEqual([100, 0]);
    expect(main!.requests + next!.requests).toBe(REQUESTS);
    expect(next!.requests).toBeLessThan(REQUESTS / 10);
  });

  test('a deployment that was deleted keeps its counts, and has no share', () => {
    const gone = released([], [{ at: '10s', do: 'delete', service: 'chat', deployment: 'next' }]);
    const { main, next } = gone.services.chat!.deployments;
    expect([main!.share, next!.share]).toEqual([100, 0]);
    expect(main!.requests + next!.requests).toBe(REQUESTS);
    expect(next!.requests).toBeGreaterThan(0);
  });

  test('a deployment that the timeline adds has figures as well', () => {
    const spec = deployment('late', { weight: 100 });
    const that = 'services.chat.deployments.late.requests == 0 || services.chat.deployments.late.share == 50';
    const verdict = released([that], [{ at: '1s', do: 'add-deployment', service: 'chat', spec }]);
    expect(verdict.expectations).toMatchObject([{ held: true }]);
  });
});
