import { describe, expect, test } from 'vitest';
import { compileExpectation, type Figures, sampleFigures } from '../../src/scenario/index.ts';

const SERVICES = { chat: ['main', 'next-version'], 'code-completion': ['main'] };
const FIGURES: Figures = {
  ...sampleFigures(SERVICES),
  requests: { ...sampleFigures(SERVICES).requests, total: 40, completed: 39, failed: 1 },
  ttftMs: { count: 39, mean: 300, p50: 250, p90: 500, p99: 812.4, max: 900 },
  tpotMs: { count: 0, mean: null, p50: null, p90: null, p99: null, max: null },
  events: { Killing: 1 },
};
const judge = (text: string) => compileExpectation(text, SERVICES).evaluate(FIGURES);

describe('an expectation is judged on the figures', () => {
  test.each([
    ['ttftMs.p99 < 900', true, 'ttftMs.p99 = 812.4'],
    ['ttftMs.p99 < 800', false, 'ttftMs.p99 = 812.4'],
    ['requests.failed == 1', true, 'requests.failed = 1'],
    ['requests.failed * 100 / requests.total <= 2.5', true, 'requests.failed = 1, requests.total = 40'],
    ['requests.total - 1 == requests.completed', true, 'requests.total = 40, requests.completed = 39'],
    ['events.Killing == 1 && events["Unhealthy"] == 0', true, 'events.Killing = 1, events.Unhealthy = 0'],
    ['services.chat.status == "RUNNING"', true, 'services.chat.status = "RUNNING"'],
    ['services["code-completion"].requests.total == 1', true, 'services["code-completion"].requests.total = 1'],
    [
      'services.all(s, services[s].preemptions == 1)',
      true,
      'services.chat.preemptions = 1, services["code-completion"].preemptions = 1',
    ],
    [
      'services.chat.deployments.main.share + services.chat.deployments["next-version"].copies == 2',
      true,
      'services.chat.deployments.main.share = 1, services.chat.deployments["next-version"].copies = 1',
    ],
    [
      'services.chat.deployments.all(d, services.chat.deployments[d].requests == 1)',
      true,
      'services.chat.deployments.main.requests = 1, services.chat.deployments["next-version"].requests = 1',
    ],
    ['tpotMs.p99 < 50', false, 'tpotMs.p99: no sample'],
    ['true', true, ''],
  ])('%s', (text, held, detail) => {
    expect(judge(text)).toEqual({ held, detail });
  });

  test.each([
    ['ttftMs.p9 < 5', 'unknown name "ttftMs.p9"; did you mean "ttftMs.p90"?'],
    ['ttft.p99 < 5', 'unknown name "ttft"; did you mean "ttftMs"?'],
    ['services.chta.preemptions == 0', 'unknown name "services.chta"; did you mean "services.chat"?'],
    [
      'services.all(s, services[s].preemption == 0)',
      'unknown name "services.*.preemption"; did you mean "services.*.preemptions"?',
    ],
    [
      'services.chat.status == RUNNING',
      'unknown name "RUNNING"; a text is written in quotes, as in services.NAME.status == "RUNNING"',
    ],
    [
      'services.chat.deployments.mian.share == 90',
      'unknown name "services.chat.deployments.mian"; did you mean "services.chat.deployments.main"?',
    ],
    [
      'services.chat.deployments.main > 5',
      '"services.chat.deployments.main" is a group of figures; expected one of "services.chat.deployments.main.requests", "services.chat.deployments.main.share", "services.chat.deployments.main.copies"',
    ],
    ['ttftMs.p99.max < 5', 'unknown name "ttftMs.p99.max"; "ttftMs.p99" is a single figure'],
    [
      'requests > 5',
      '"requests" is a group of figures; expected one of "requests.total", "requests.completed", "requests.failed", "requests.refused", "requests.cut", "requests.errored", "requests.aborted", "requests.inFlight"',
    ],
    ['requests.total', '"requests.total" is a number; expected a condition that is true or false'],
    ['requests.total <', '"requests.total <" is no expression over the figures: Unexpected token: EOF (character 17)'],
    [
      'requests.total > "a"',
      '"requests.total > "a"" is no expression over the figures: no such overload: dyn<double> > string (character 1)',
    ],
    [
      'minimum(1) > 0',
      '"minimum(1) > 0" is no expression over the figures: found no matching overload for \'minimum(int)\' (character 1)',
    ],
  ])('%s is refused', (text, message) => {
    expect(() => compileExpectation(text, SERVICES)).toThrowError(
      expect.objectContaining({ name: 'UserError', message }),
    );
  });

  test('what only the figures show is told when they are there', () => {
    expect(() => judge('requests.total < 2 ? true : requests.failed')).toThrowError(
      'is a number; expected a condition',
    );
  });
});
