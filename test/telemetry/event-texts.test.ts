import { describe, expect, test } from 'vitest';
import {
  eventCauses,
  fill,
  INIT_CONTAINER_ERRORS,
  POD_EVENTS,
  type PodEventText,
  SERVICE_EVENTS,
  type ServiceEventText,
} from '../../src/telemetry/index.ts';

/** The guide's lines that hold a text: Figure 1-84, Tables 1-52 and 1-53; Table 1-54; Table 1-55. */
const LINES = {
  service: [
    ...[4382, 4383, 4384],
    ...[4395, 4396, 4397, 4398, 4399, 4400, 4401, 4402, 4403, 4404, 4405, 4406, 4407],
    ...[4410, 4411, 4412, 4413, 4414, 4415, 4416, 4417, 4418, 4419, 4420, 4421, 4422, 4423, 4424],
    ...[4427, 4428, 4429, 4430, 4431, 4432, 4433, 4434, 4435, 4436, 4437, 4438],
    ...[4441, 4442, 4443, 4444, 4445, 4446, 4447, 4448],
    ...[4453, 4454, 4455, 4458, 4461, 4465, 4466],
  ],
  'init-container': [4471, 4472, 4475, 4476, 4477, 4478, 4479, 4480],
  pod: [4493, 4494, 4495, 4496, 4497, 4498, 4499, 4500, 4503, 4504, 4505, 4506, 4507, 4510, 4511, 4514],
};

const texts: [string, ServiceEventText | PodEventText][] = [
  ...Object.entries(SERVICE_EVENTS),
  ...Object.entries(POD_EVENTS),
];

describe('the table of event texts', () => {
  test.each(Object.entries(LINES))(
    'holds every line of the guide for %s once, in the order of the guide',
    (table, lines) => {
      const held = eventCauses().filter((each) => each.table === table);
      expect(held.map(({ guide }) => guide)).toEqual(lines);
    },
  );

  test.each(texts)('%s names a value for each of its placeholders', (_key, { text, values = [] }) => {
    expect(text.match(/%s/g) ?? []).toHaveLength(values.length);
  });

  test.each(texts)('%s is a text of its own', (_key, { text }) => {
    expect(texts.filter(([, other]) => other.text === text)).toHaveLength(1);
  });

  test('says of every entry either what causes it or why nothing does', () => {
    const unclear = eventCauses().filter(({ cause, noCause }) => (cause === undefined) === (noCause === undefined));
    expect(unclear).toEqual([]);
  });

  test('the type follows from the table of the guide', () => {
    const typeAt = (line: number) => (line < 4_390 ? 'Normal' : line < 4_450 ? 'Exception' : 'Warning');
    for (const { type, guide } of Object.values(SERVICE_EVENTS)) expect(type).toBe(typeAt(guide));
    for (const { type, guide } of Object.values(POD_EVENTS)) expect(type).toBe(guide <= 4_500 ? 'Normal' : 'Alarm');
  });

  test('codes of init container errors are ours, and different', () => {
    const codes = Object.values(INIT_CONTAINER_ERRORS).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) expect(code).toMatch(/^InferLab\.Init\.\d{4}$/);
  });
});

describe('filling a text in', () => {
  test('takes values in order; what is left over goes behind the text, what is missing leaves nothing', () => {
    expect(fill('From %s to %s.', ['A', 'B'])).toBe('From A to B.');
    expect(fill('The image is pulled.', ['10 GiB.'])).toBe('The image is pulled. 10 GiB.');
    expect(fill('The image is pulled.', [''])).toBe('The image is pulled.');
    expect(fill('Attempts: %s', [])).toBe('Attempts:');
  });

  test('takes a value as it is, whatever it looks like', () => {
    expect(fill('%s failed, %s.', ['%s', '$&'])).toBe('%s failed, $&.');
  });
});
