import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { MODELS, NODE_FLAVORS } from '../../src/catalog/index.ts';
import { jsonSchema } from '../../src/scenario/index.ts';
import { fieldsOf } from './fields-of.ts';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
const check = z.fromJSONSchema(jsonSchema());
const scenarios = readdirSync(new URL('scenarios/', ROOT)).filter((file) => file.endsWith('.yaml'));

describe('the JSON Schema of a scenario', () => {
  test.each(scenarios)('takes %s', (file) => {
    expect(check.safeParse(parse(read(`scenarios/${file}`))).error).toBeUndefined();
  });

  const upgraded = (set: object): boolean => {
    const entry = { at: '1s', do: 'upgrade', service: 'chat', deployment: 'main', set };
    return check.safeParse({ ...parse(read('test/fixtures/small.yaml')), timeline: [entry] }).success;
  };

  test.each<[string, object]>([
    ['a field alone', { maxSurge: '25%' }],
    ['a part of a unit', { units: [{ engine: { maxNumSeqs: 8 } }] }],
    ['storage without its kind', { units: [{ storage: { address: 'obs://models/' } }] }],
    ['what is to go away', { scaling: null, units: [{ name: 'role-0', affinity: null }] }],
  ])('takes in what an upgrade sets %s', (_, set) => {
    expect(upgraded(set)).toBe(true);
  });

  test.each<[string, object]>([
    ['an unknown field', { maxSurges: '25%' }],
    ['an unknown field of a unit', { units: [{ engine: { maxNumSeq: 8 } }] }],
    ['a value of another type', { instances: 'two' }],
  ])('refuses there %s', (_, set) => {
    expect(upgraded(set)).toBe(false);
  });

  test.each(['pools', 'timings', 'timeline', 'expect'])('says of every field of %s what it is', (list) => {
    const mute: string[] = [];
    const visit = (part: unknown, at: string): void => {
      if (typeof part !== 'object' || part === null) return;
      const { properties = {} } = part as { properties?: Record<string, { description?: string }> };
      for (const [name, field] of Object.entries(properties)) {
        if (field.description === undefined) mute.push(`${at}.${name}`);
      }
      for (const [key, value] of Object.entries(part)) visit(value, `${at}.${key}`);
    };
    visit((jsonSchema() as { properties: Record<string, object> }).properties[list], list);
    expect(mute).toEqual([]);
  });
});

test('docs/scenario.md has every field', () => {
  const docs = read('docs/scenario.md');
  expect(fieldsOf(jsonSchema(), 'schema').filter((field) => !new RegExp(`\\b${field}\\b`).test(docs))).toEqual([]);
});

test('docs/scenario.md has all that the catalogue has for scenarios', () => {
  const docs = read('docs/scenario.md');
  const ids = [...NODE_FLAVORS, ...MODELS].map(({ id }) => id);
  expect(ids.filter((id) => !docs.includes(`\`${id}\``))).toEqual([]);
});

test('a number may be written with an exponent', () => {
  expect(parse('parameters: 8.19e9')).toEqual({ parameters: 8.19e9 });
});
