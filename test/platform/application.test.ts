import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Micros } from '../../src/kernel/index.ts';
import {
  type ApplicationSpec,
  answerOf,
  type RouteSpec,
  routedPath,
  statusOfGet,
  templateParts,
  templateProblem,
} from '../../src/platform/index.ts';

const task = { latency: { kind: 'fixed', micros: 0 as Micros }, every: 0 as Micros } as const;
const route = (path: string, methods: string[] = ['POST'], status = 200): RouteSpec => ({
  path,
  methods,
  status,
  headers: {},
  task,
  reply: { kind: 'echo' },
});
const application = (...routes: RouteSpec[]): ApplicationSpec => ({ healthPaths: ['/health'], routes });

const segment = fc.constantFrom('a', 'b', 'cc', '');
const path = fc.array(segment, { maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
const pattern = fc.oneof(
  path,
  path.map((written) => `${written.replace(/\/$/, '')}/*`),
);
const table = fc
  .array(fc.record({ path: pattern, method: fc.constantFrom('GET', 'POST') }), { maxLength: 6 })
  .map((routes) => application(...routes.map((each, index) => route(each.path, [each.method], 200 + index))));

describe('what an application is asked', () => {
  test('is known by the path of a route, whichever version is asked in the end and whatever others have', () => {
    fc.assert(
      fc.property(fc.array(table, { minLength: 1, maxLength: 3 }), path, (versions, asked) => {
        const known = routedPath(versions, asked);
        for (const version of versions) {
          for (const method of ['GET', 'POST', 'HEAD', 'PUT']) {
            const alone = { method, path: routedPath([version], asked) };
            expect(answerOf(version, { method, path: known })).toEqual(answerOf(version, alone));
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('is for the most specific path: exact before all below, longer before shorter', () => {
    const app = application(route('/*', ['GET'], 201), route('/a/*', ['GET'], 202), route('/a/b', ['GET'], 203));
    const status = (asked: string): number => answerOf(app, { method: 'GET', path: routedPath([app], asked) }).status;
    expect(['/', '/x', '/a', '/a/', '/a/c', '/a/b', '/a/b/'].map(status)).toEqual([201, 201, 201, 202, 202, 203, 202]);
  });

  test('over a connection is for its routes alone', () => {
    const app = application({ ...route('/w', ['GET']), reply: { kind: 'websocket' } }, route('/h', ['GET']));
    const status = (asked: string, socket?: 'message'): number =>
      answerOf(app, { method: 'GET', path: asked, ...(socket === undefined ? {} : { socket }) }).status;
    expect([status('/w'), status('/w', 'message'), status('/h'), status('/h', 'message')]).toEqual([
      426, 200, 200, 404,
    ]);
  });
});

test('a probe hears what a GET of its path would: a route, or health, or nothing', () => {
  const app = { ...application(route('/down', ['GET'], 500), route('/post')), metrics: { path: '/metrics', text: '' } };
  expect(['/health', '/metrics', '/down', '/post', '/none'].map((asked) => statusOfGet(app, asked))).toEqual([
    200, 200, 500, 405, 404,
  ]);
});

describe('a template', () => {
  test('is its own text but for what stands for something else', () => {
    expect(templateParts('a {{n}}{{ header.X-Who }} {b}')).toEqual([
      { text: 'a ' },
      { placeholder: 'n' },
      { header: 'x-who' },
      { text: ' {b}' },
    ]);
  });

  test('of any text is whole again, put together', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('{{'));
        expect(templateParts(text).map((part) => ('text' in part ? part.text : ''))).toEqual(text === '' ? [] : [text]);
        expect(templateProblem(text)).toBeUndefined();
      }),
    );
  });

  test('that asks for what there is not names the nearest that there is', () => {
    expect(templateProblem('{{quer}}')).toBe('unknown placeholder "{{quer}}"; did you mean "query"?');
    expect(templateProblem('{{header.}}')).toMatch(/^unknown placeholder "\{\{header\.\}\}"/);
  });
});
