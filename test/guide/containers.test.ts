import { afterAll, beforeAll, describe, expect } from 'vitest';
import { SERVICE_TYPES, type ServiceType } from '../../src/scenario/application-presets.ts';
import { deployed, refused } from '../scenario/ruled.ts';
import { ask, callLab } from '../support/calls.ts';
import { guideRule } from '../support/guide-rule.ts';
import { Quick, quick, quickUnit } from '../support/quick.ts';
import { scenario } from '../support/scenario.ts';
import { LivePlatform } from './live.ts';

/** What services are for (guide 228), and what their containers speak (440). */

/** A service without authentication whose image has an application. */
function served(name: string, application: unknown, settings: object = {}): object {
  const units = [{ application, resources: { cpu: 4, memoryGiB: 8 } }];
  const deployments = [{ name: 'main', pool: 'npu', instances: 1, units }];
  return { name, auth: { kind: 'none' }, ...settings, deployments };
}

/** What clients of a type ask when nobody tells them otherwise. */
const ASKED: Readonly<Record<ServiceType, string>> = {
  'text-generation': '/v1/chat/completions',
  'image-understanding': '/v1/chat/completions',
  'video-generation': '/v1/videos',
  'image-generation': '/v1/images/generations',
  reranking: '/v1/rerank',
  vector: '/v1/embeddings',
  embedding: '/v1/embeddings',
  other: '/anything/at/all',
};

describe('service types', () => {
  let platform: LivePlatform;
  beforeAll(async () => {
    platform = await LivePlatform.open(scenario({ services: SERVICE_TYPES.map((type) => served(type, type)) }));
  });
  afterAll(() => platform.close());

  guideRule(228, 'a service of each type answers what its clients ask by default', async () => {
    expect(SERVICE_TYPES).toHaveLength(8);
    const asked = SERVICE_TYPES.map(async (type) => {
      const headers = { 'content-type': 'application/json' };
      const path = platform.pathOf(type, ASKED[type]);
      const { status, body } = await platform.call({
        secure: true,
        path,
        headers,
        body: '{"model":"any","input":"a"}',
      });
      expect([status, typeof JSON.parse(body.toString())], type).toEqual([200, 'object']);
    });
    await Promise.all(asked);
  });
});

describe('the container of a service', () => {
  const PROTOCOLS = ['HTTP', 'HTTPS', 'WS', 'WSS'] as const;
  const web = { routes: [{ path: '/x', reply: 'echo' }] };
  const socket = { routes: [{ path: '/x', reply: { kind: 'websocket' } }] };
  let platform: LivePlatform;
  beforeAll(async () => {
    const services = PROTOCOLS.flatMap((protocol) => [
      served(`${protocol}-web`, web, { protocol }),
      served(`${protocol}-socket`, socket, { protocol }),
    ]);
    platform = await LivePlatform.open(scenario({ services }));
  });
  afterAll(() => platform.close());

  const to = (protocol: (typeof PROTOCOLS)[number], image: string) => ({
    secure: protocol === 'HTTPS' || protocol === 'WSS',
    path: platform.pathOf(`${protocol}-${image}`, '/x'),
  });

  guideRule(440, 'an HTTP or HTTPS service has an HTTP or HTTPS container', async () => {
    for (const protocol of ['HTTP', 'HTTPS'] as const) {
      expect((await platform.call({ ...to(protocol, 'web'), body: 'hello' })).body.toString()).toBe('hello');
      expect((await platform.call({ ...to(protocol, 'socket'), body: 'hello' })).status).toBeGreaterThanOrEqual(400);
    }
  });

  guideRule(440, 'the container of a WS or WSS service speaks the protocol of the service', async () => {
    for (const protocol of ['WS', 'WSS'] as const) {
      expect(await platform.converse(to(protocol, 'socket'), ['one', 'two'])).toEqual({ messages: ['one', 'two'] });
      // It answers as what it is: no upgrade.
      const { status } = (await platform.converse(to(protocol, 'web'), ['one'])) as { status: number };
      expect(status).toBeGreaterThanOrEqual(400);
    }
  });
});

describe('the container port', () => {
  /** One that listens on a port, and is asked on another; without probes nobody notices before it is called. */
  const asked = (containerPort: number | undefined, port: number | undefined, probed = true): Quick => {
    const [unit] = quick().units;
    const image = { ...unit!.image, ...(port === undefined ? {} : { port }) };
    const ports = containerPort === undefined ? { image } : { image, containerPort };
    return new Quick(
      callLab({}, [quick({ instances: 1, units: [quickUnit({ ...ports, ...(probed ? {} : { probes: {} }) })] })]),
    );
  };

  guideRule(441, 'requests reach the instance on the container port', () => {
    for (const [containerPort, port] of [
      [8_080, 8_080],
      [8_080, undefined],
      [undefined, 8_000],
      [undefined, undefined],
    ] as const) {
      const lab = asked(containerPort, port);
      expect(lab.untilStatus('RUNNING')).toBe(true);
      expect(ask(lab).refusal).toBeUndefined();
    }
    expect(deployed({ unit: { containerPort: 8_080 } }).units[0]!.containerPort).toBe(8_080);
    for (const containerPort of [0, 65_536]) refused({ unit: { containerPort } }, 'an integer from 1 to 65535');
  });

  guideRule(686, 'a container port that the image does not listen on answers nothing', () => {
    const lab = asked(8_080, 8_000);
    lab.until(() => lab.status !== 'DEPLOYING');
    expect(lab.status).toBe('ERROR');
    const unprobed = asked(8_080, 8_000, false);
    expect(unprobed.untilStatus('RUNNING')).toBe(true);
    unprobed.pass(60);
    expect(ask(unprobed).refusal).toMatchObject({ by: 'gateway', error: 'backendUnavailable' });
  });
});
