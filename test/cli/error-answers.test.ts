import { expect, test } from 'vitest';
import { requestLines } from '../../src/cli/story.ts';
import { verdictText } from '../../src/cli/verdict-text.ts';
import { World } from '../../src/lab/index.ts';
import { describe as describeLab, judge, readScenario } from '../../src/scenario/index.ts';
import { scenario } from '../support/scenario.ts';

test('an application that answers every request with a 500 has failed them all, in the verdict and in the story', () => {
  const application = {
    routes: [{ path: '/v1/draw', status: 500, latency: '10ms', reply: { kind: 'json', value: { error: 'broken' } } }],
    startup: '1s',
  };
  const units = [{ application, image: { name: 'broken:1', sizeGiB: 1 } }];
  const text = JSON.stringify(
    scenario({
      services: [{ name: 'images', deployments: [{ name: 'main', pool: 'npu', instances: 1, units }] }],
      traffic: [{ name: 'painters', service: 'images', arrivals: { kind: 'constant', rate: 2 }, count: 46 }],
      expect: ['requests.failed == 0', 'requests.errored == requests.total'],
    }),
  );
  const { lab, expectations } = describeLab(readScenario(text, 'broken.yaml'), new Map());
  const world = new World(lab);
  world.run();
  const verdict = judge(world, expectations, { wallSeconds: 0, reproduce: null });
  expect(verdict.expectations.map(({ held }) => held)).toEqual([false, true]);
  expect(verdict.verdict).toBe('fail');
  expect(verdictText(verdict)).toContain('requests  46 total, 0 completed, 46 failed, 46 errored\n');
  const lines = requestLines(world);
  expect(new Set(lines.map(({ what }) => what))).toEqual(new Set(['requests fail with 500']));
  expect(lines.reduce((sum, { times }) => sum + times, 0)).toBe(46);
});
