import { expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';
import { chatService, scenario } from '../support/scenario.ts';

test('lab.services tells how deployments share the traffic, by weights and by who runs (guide 3624)', () => {
  const { deployments, ...service } = chatService('chat', 1) as { readonly deployments: readonly object[] };
  const named = (name: string, more: object): object => ({ ...deployments[0], name, ...more });
  const all = [named('main', { weight: 90 }), named('next', { weight: 10 }), named('shadow', { mirror: true })];
  const lab = Lab.fromObject(scenario({ services: [{ ...service, deployments: all }] }));
  const shares = (): Record<string, number> =>
    Object.fromEntries(lab.services()[0]!.deployments.map(({ name, share }) => [name, share]));
  expect(shares()).toEqual({ main: 0, next: 0, shadow: 0 });
  lab.runUntilReady();
  expect(lab.services()[0]!.deployments[1]).toEqual({ name: 'next', weight: 10, mirror: false, share: 10 });
  expect(shares()).toEqual({ main: 90, next: 10, shadow: 0 });
  lab.operate({ kind: 'stop', service: 'chat', deployment: 'main' });
  lab.runUntil(lab.nowMs + 600_000);
  expect(shares()).toEqual({ main: 0, next: 100, shadow: 0 });
});
