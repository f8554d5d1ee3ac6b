import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/gateway/index.ts';
import { fromSeconds } from '../../src/kernel/index.ts';
import { World } from '../../src/lab/index.ts';
import { apiKeyFor, keyDigest } from '../../src/platform/index.ts';
import { deployment, description, SERVICE, service } from '../support/world.ts';

const KEY = keyDigest(1, apiKeyFor(1, SERVICE, 'tests'));

function call(world: World, overrides: Partial<Call> = {}) {
  return world.apply(world.now, {
    kind: 'call',
    call: { to: { service: SERVICE }, key: KEY, promptTokens: 100, ...overrides },
  })!;
}

function settled(overrides: Parameters<typeof service>[0] = {}): World {
  const world = new World(description({ services: [service(overrides)], traffic: [] }));
  world.runUntilSettled();
  return world;
}

describe('the gateway', () => {
  test('lets in who holds a key of the service, and nobody else', () => {
    const world = settled({ auth: { kind: 'api-key', keys: [{ name: 'tests', digest: KEY }] } });
    expect(call(world).state).toBe('open');
    for (const key of [null, keyDigest(1, apiKeyFor(1, SERVICE, 'other')), apiKeyFor(1, SERVICE, 'tests')]) {
      expect(call(world, { key }).refusal).toMatchObject({ by: 'gateway', error: 'unauthorized', status: 401 });
    }
  });

  test('has no backend while the service is deployed', () => {
    const world = new World(description({ traffic: [] }));
    expect(call(world).refusal).toMatchObject({ by: 'gateway', error: 'noBackend' });
    expect(call(world, { to: { slot: 'chat/main/0' } }).refusal).toMatchObject({
      by: 'network',
      error: 'connection-refused',
    });
  });

  test('without a startup probe sends calls to an engine that is not up yet', () => {
    const [unit] = deployment().units;
    const world = settled({ deployments: [deployment({ units: [{ ...unit!, probes: {} }] })] });
    expect(call(world).refusal).toMatchObject({ by: 'gateway', error: 'backendUnavailable' });
    world.runUntil(fromSeconds(600));
    expect(call(world).state).toBe('open');
  });

  test('passes on what the engine refuses', () => {
    const world = settled();
    expect(call(world, { invalid: 404 }).refusal).toMatchObject({ by: 'engine', error: 'invalid', status: 404 });
    expect(call(world, { promptTokens: 8_192 }).refusal).toMatchObject({
      by: 'engine',
      error: 'context-length',
      status: 400,
    });
  });

  test.each<[string, Partial<Call>, number, 'stop' | 'length']>([
    ['as the service replies', {}, 20, 'stop'],
    ['up to the limit', { maxTokens: 5 }, 5, 'length'],
    ['the least that is wanted', { minTokens: 30 }, 30, 'stop'],
    ['all that is asked, come what may', { maxTokens: 50, ignoreEos: true }, 50, 'length'],
    ['what the context has room for', { promptTokens: 8_182 }, 10, 'length'],
  ])('an answer is as long %s', (_, asked, outputTokens, finishReason) => {
    expect(call(settled(), asked)).toMatchObject({ outputTokens, finishReason, state: 'open' });
  });

  test('a call to a slot reaches the pod that holds it', () => {
    const world = settled();
    for (const pod of world.platform.deployments[0]!.pods) {
      expect(call(world, { to: { slot: pod.replica.slot } }).pod).toBe(pod.name);
    }
  });
});
