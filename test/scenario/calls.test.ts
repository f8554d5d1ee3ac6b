import { expect, test } from 'vitest';
import { describe as describeLab, readScenario } from '../../src/scenario/index.ts';

const SCENARIO = `
inferlab: 1
name: calls
pools: [{ name: npu, nodes: [{ flavor: snt9b-8, count: 2 }] }]
services:
  - name: chat
    auth: { kind: token }
    protocol: HTTP
    requestTimeout: 60s
    requestSizeMB: 10
    rateLimits: [{ requests: 100 }, { requests: 200, per: minute, scope: instance }]
    access: { publicAccess: false, whitelist: [10.0.0.0/8], blacklist: [10.1.2.3] }
    retry: { count: 2 }
    circuitBreaker: { errorRate: 0.25 }
    sloClass: 1
    deployments:
      - name: main
        pool: npu
        instances: 2
        routing: { policy: slo-priority }
        units: [{ model: qwen3-8b }]
      - name: next
        pool: npu
        instances: 1
        mirror: true
        routing: { policy: composite-load, metrics: { port: 9090 } }
        units: [{ model: qwen3-8b }]
  - name: plain
    deployments: [{ name: main, pool: npu, instances: 1, units: [{ model: qwen3-8b }] }]
traffic:
  - name: office
    service: chat
    clientIp: "::ffff:10.0.0.7"
    sloClass: 0
    arrivals: { kind: constant, rate: 1 }
    lengths: { prompt: { kind: fixed, tokens: 1 }, output: { kind: fixed, tokens: 1 } }
    count: 1
`;

const { services, traffic } = describeLab(readScenario(SCENARIO, 'calls.yaml'), new Map()).lab;

test('every setting of calls reaches the platform', () => {
  expect(services[0]).toMatchObject({
    auth: { kind: 'token' },
    protocol: 'HTTP',
    requestTimeout: 60e6,
    requestSizeMB: 10,
    rateLimits: [
      { requests: 100, per: 'second', scope: 'service' },
      { requests: 200, per: 'minute', scope: 'instance' },
    ],
    access: { publicAccess: false, whitelist: ['10.0.0.0/8'], blacklist: ['10.1.2.3'] },
    retry: { count: 2, interval: 100e3 },
    circuitBreaker: { errorRate: 0.25 },
    sloClass: 1,
  });
  expect(services[0]!.deployments[0]).toMatchObject({ routing: { policy: 'slo-priority' } });
  expect(services[0]!.deployments[1]).toMatchObject({
    mirror: true,
    routing: { policy: 'composite-load', metrics: { protocol: 'HTTP', port: 9090 } },
  });
});

test('a stream says where it comes from in the one spelling of its address', () => {
  expect(traffic[0]).toMatchObject({ clientIp: '10.0.0.7', sloClass: 0 });
});

test('a service that says nothing of its calls limits nobody', () => {
  const { id: _, name: _n, auth: _a, replies: _r, deployments, ...settings } = services[1]!;
  expect(settings).toEqual({});
  expect(deployments[0]).not.toHaveProperty('routing');
  expect(deployments[0]).not.toHaveProperty('mirror');
});
