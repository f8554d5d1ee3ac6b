import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { describe as describeLab, jsonSchema, readScenario } from '../../src/scenario/index.ts';
import { fieldsOf } from './fields-of.ts';

/** Every field of an application, from text to what the platform is told. */

const WHOLE = `
inferlab: 1
name: whole
pools: [{ name: npu, nodes: [{ flavor: snt9b-8, count: 1 }] }]
services:
  - name: app
    deployments:
      - name: main
        pool: npu
        instances: 1
        units:
          - application:
              type: embedding
              routes:
                - path: /whole/*
                  methods: [GET, PUT]
                  status: 201
                  headers: { X-Kind: Made }
                  latency: { p50: 1s, p99: 10s, max: 20s }
                  reply: { kind: text, body: "{{n}}" }
                - { path: /a, latency: 3ms, reply: { kind: json, value: { a: [1, "{{bytes}}"] } } }
                - { path: /b, reply: { kind: binary, bytes: 7 } }
                - { path: /c, reply: { kind: chunks, count: 2, every: 1s, body: part } }
                - { path: /d, reply: { kind: sse, count: 3, every: 2s, event: tick, data: more, done: over } }
                - { path: /e, reply: { kind: websocket, message: yes, push: { count: 4, every: 5s, data: news } } }
                - { path: /f }
              concurrency: 2
              queue: 0
              startup: 3s
              healthPaths: [/up]
              metrics: { path: /told, port: 9090, text: "a {{running}}" }
traffic:
  - { name: some, service: app, route: /d, count: 3, arrivals: { kind: constant, rate: 1 } }
`;

const { services, traffic } = describeLab(readScenario(WHOLE, 'whole.yaml'), new Map()).lab;
const unit = services[0]!.deployments[0]!.units[0]!;

test('an application as a scenario states it', () => {
  const at = (micros: number) => ({ kind: 'fixed', micros });
  const plain = { methods: ['POST'], status: 200, headers: {} };
  const task = { latency: at(0), every: 0 };
  expect(unit.application).toEqual({
    concurrency: 2,
    queue: 0,
    startup: 3e6,
    healthPaths: ['/up'],
    metrics: { path: '/told', text: 'a {{running}}' },
    routes: [
      {
        path: '/whole/*',
        methods: ['GET', 'PUT'],
        status: 201,
        headers: { 'x-kind': 'Made' },
        task: {
          latency: { kind: 'lognormal', median: 1e6, sigma: expect.closeTo(Math.log(10) / 2.3263, 4), max: 20e6 },
          every: 0,
        },
        reply: { kind: 'text', body: '{{n}}' },
      },
      {
        ...plain,
        path: '/a',
        task: { ...task, latency: at(3_000) },
        reply: { kind: 'json', value: { a: [1, '{{bytes}}'] } },
      },
      { ...plain, path: '/b', task, reply: { kind: 'binary', bytes: 7 } },
      { ...plain, path: '/c', task: { ...task, every: 1e6 }, reply: { kind: 'chunks', count: 2, body: 'part' } },
      {
        ...plain,
        path: '/d',
        task: { ...task, every: 2e6 },
        reply: { kind: 'sse', count: 3, event: 'tick', data: 'more', done: 'over' },
      },
      {
        ...plain,
        path: '/e',
        methods: ['GET'],
        task,
        reply: { kind: 'websocket', message: 'yes', push: { count: 4, every: 5e6, data: 'news' } },
      },
      { ...plain, path: '/f', task, reply: { kind: 'echo' } },
      expect.objectContaining({ path: '/v1/embeddings', methods: ['POST'] }),
    ],
  });
});

test('it has no model, and the image of no engine', () => {
  expect(unit).not.toHaveProperty('model');
  expect(unit).not.toHaveProperty('engine');
  expect(unit.image.name).toBe('custom-image');
});

test('traffic calls a route of it', () => {
  expect(traffic[0]).toMatchObject({ route: '/d' });
});

describe('the scenario above', () => {
  test('has every field of an application', () => {
    const said = fieldsOf(parse(WHOLE), 'value');
    const find = (part: unknown): unknown => {
      if (typeof part !== 'object' || part === null) return undefined;
      const { application } = part as { application?: unknown };
      return (
        application ??
        Object.values(part)
          .map(find)
          .find((found) => found !== undefined)
      );
    };
    expect(fieldsOf(find(jsonSchema()), 'schema').filter((field) => !said.includes(field))).toEqual([]);
  });
});

test('its checks ask where it answers them, unless they name a path', () => {
  const before = WHOLE.slice(0, WHOLE.indexOf('- application:'));
  const checked = (unit: string) => {
    const { lab } = describeLab(readScenario(`${before}- { ${unit} }\n`, 'whole.yaml'), new Map());
    return lab.services[0]!.deployments[0]!.units[0]!.probes.startup!.check;
  };
  const path = (text: string) => ({ kind: 'http', path: text, protocol: 'HTTP' });
  expect(checked('application: { type: other, healthPaths: [/up, /health] }')).toEqual(path('/up'));
  expect(checked('application: { type: other, healthPaths: [] }')).toEqual(path('/health'));
  expect(checked('application: other')).toEqual(path('/health'));
  const named = 'application: { type: other, healthPaths: [/up] }, probes: { startup: { path: /here } }';
  expect(checked(named)).toEqual(path('/here'));
});
