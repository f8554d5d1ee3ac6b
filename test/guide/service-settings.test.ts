import { describe, expect } from 'vitest';
import { loadScenarioText } from '../../src/files/index.ts';
import { Lab, type OperationSpec } from '../../src/index.ts';
import type { DeploymentSpec } from '../../src/platform/index.ts';
import { refused, taken } from '../scenario/ruled.ts';
import { ask, called, tokenTimes, untilEnded } from '../support/calls.ts';
import { guideRule } from '../support/guide-rule.ts';
import { Quick, quick } from '../support/quick.ts';
import { scenario } from '../support/scenario.ts';
import { post } from '../support/wire.ts';
import { SERVICE } from '../support/world.ts';

/** What a service is set to (guide 195-298); rate limits, sizes and timeouts by themselves are in test/gateway. */

const HELLO = { model: 'qwen3-8b', messages: [{ role: 'user', content: 'Hello there' }] };

/** Everything that may become of a service's deployments, one after the other; each leaves one that answers. */
function changes(spec: DeploymentSpec): readonly OperationSpec[] {
  const main = { service: SERVICE, deployment: spec.name } as const;
  const next = { ...spec, name: 'next' };
  const revised = { ...spec, units: spec.units.map((unit) => ({ ...unit, environment: { REVISION: '2' } })) };
  return [
    { kind: 'upgrade', ...main, spec: revised },
    { kind: 'switch-version', ...main, version: '1.0.0' },
    { kind: 'scale', ...main, instances: 2 },
    { kind: 'delete-instance', ...main, instance: 0, recreate: true },
    { kind: 'add-deployment', service: SERVICE, spec: next },
    { kind: 'set-weight', ...main, weight: 0 },
    { kind: 'stop', ...main },
    { kind: 'start', ...main },
    { kind: 'delete', ...main },
  ];
}

describe('the URL of a service', () => {
  guideRule(205, 'the URL of a service stays the same whatever becomes of its deployments', async () => {
    const parts = scenario({}, 1);
    const spec = loadScenarioText(JSON.stringify(parts), 'scenario', {}, String).description.services[0]!
      .deployments[0]!;
    const lab = Lab.fromObject(parts);
    const url = `${lab.url(SERVICE)}/chat/completions`;
    const key = lab.apiKey(SERVICE);
    const answered = async (): Promise<void> => {
      lab.runUntil(lab.nowMs + 3_600_000);
      await lab.run(async () => {
        expect((await lab.fetch(url, post(HELLO, key))).status).toBe(200);
      });
      expect(lab.url(SERVICE)).toBe(url.slice(0, -'/chat/completions'.length));
    };
    await answered();
    for (const operation of changes(spec)) {
      expect(lab.operate(operation)).toBeUndefined();
      await answered();
    }
  });
});

describe('calls', () => {
  guideRule(231, 'a synchronous call holds its connection until the answer or the timeout', () => {
    const lab = called({});
    const whole = ask(lab, { streamed: false });
    untilEnded(lab);
    expect(whole.state).toBe('finished');
    expect(whole.endedAt - whole.arrivedAt).toBe(tokenTimes(whole).at(-1));
  });

  guideRule(244, 'a service is called over HTTPS, HTTP, WSS or WS', () => {
    for (const protocol of ['HTTPS', 'HTTP', 'WSS', 'WS']) {
      expect(taken({ service: { protocol } }).services[0]!.protocol).toBe(protocol);
    }
    refused({ service: { protocol: 'FTP' } }, 'got "FTP"');
  });

  guideRule(245, 'a service asks for an API key, an IAM token or nothing', () => {
    for (const kind of ['api-key', 'token', 'none']) {
      expect(taken({ service: { auth: { kind } } }).services[0]!.auth.kind).toBe(kind);
    }
    refused({ service: { auth: { kind: 'password' } } }, 'auth.kind');
  });
});

describe('access', () => {
  const outside = { clientIp: '192.0.2.1' };

  guideRule(248, 'the public network reaches a service by default', () => {
    expect(ask(called({}), outside).refusal).toBeUndefined();
    expect(taken({ service: { access: {} } }).services[0]!.access!.publicAccess).toBe(true);
    expect(ask(called({ access: {} }), outside).refusal).toBeUndefined();
  });

  guideRule(248, 'without public access nobody comes in over the public network', () => {
    const lab = called({ access: { publicAccess: false, whitelist: ['192.0.2.0/24'] } });
    for (const clientIp of ['192.0.2.1', '10.0.0.1', '::1']) {
      expect(ask(lab, { clientIp }).refusal).toMatchObject({ by: 'gateway', status: 403 });
    }
    expect(ask(lab).refusal).toMatchObject({ status: 403 });
  });
});

describe('a service without deployments', () => {
  const bare = (): Quick =>
    new Quick({ ...new Quick().world.description, services: [{ ...called({}).service.spec, deployments: [] }] });

  guideRule(287, 'a service can do without deployments; calls to it are refused at once', () => {
    const lab = bare();
    const reply = ask(lab);
    // At once: the call returns refused.
    expect(reply).toMatchObject({ state: 'refused', refusal: { by: 'gateway', error: 'noBackend', status: 503 } });
    expect(lab.service.status).toBe('INIT');
  });

  guideRule(293, 'a deployment is added to a service that has none', () => {
    const lab = bare().also({ kind: 'add-deployment', service: SERVICE, spec: quick() });
    expect(lab.until(() => lab.service.status === 'RUNNING')).toBe(true);
    const reply = ask(lab);
    untilEnded(lab);
    expect(reply.state).toBe('finished');
  });
});
