import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { inferlab, ROOT, SMALL } from '../support/cli.ts';

describe('inferlab validate', () => {
  test('sums a valid scenario up', async () => {
    const { code, stdout } = await inferlab(['validate', SMALL]);
    expect(stdout).toBe('small: valid; 1 pool, 1 service, 1 stream of traffic, 1 timeline entry, 3 expectations\n');
    expect(code).toBe(0);
  });

  test('--json is one object', async () => {
    const { code, stdout } = await inferlab(['validate', SMALL, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ scenario: 'small', services: 1, expectations: 3 });
    expect(code).toBe(0);
  });

  test('names file, line and column of a mistake, and the nearest valid key', async () => {
    const text = readFileSync(join(ROOT, SMALL), 'utf8').replace('instances: 2', 'instanses: 2');
    const line = text.split('\n').findIndex((each) => each.includes('instanses')) + 1;
    const { code, stdout, stderr } = await inferlab(['validate', '-'], { input: text });
    expect(stderr).toMatch(
      new RegExp(`^(inferlab: )?<stdin>:${line}:\\d+: .*"instanses"; did you mean "instances"`, 'm'),
    );
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  test('finds an engine that could not start', async () => {
    const { code, stderr } = await inferlab([
      'validate',
      SMALL,
      '--set',
      'services.0.deployments.0.units.0.model=qwen3-235b-a22b',
    ]);
    expect(stderr).toMatch(/^inferlab: .+/);
    expect(code).toBe(2);
  });
});

describe('inferlab schema', () => {
  test('prints a JSON Schema that takes a valid scenario and refuses others', async () => {
    const { code, stdout, stderr } = await inferlab(['schema']);
    expect([code, stderr]).toEqual([0, '']);
    const schema = JSON.parse(stdout);
    expect(schema.$schema).toContain('2020-12');
    const check = z.fromJSONSchema(schema);
    const small = parse(readFileSync(join(ROOT, SMALL), 'utf8'));
    expect(check.safeParse(small)).toMatchObject({ success: true });
    expect(check.safeParse({ ...small, inferlab: 2 }).success).toBe(false);
    expect(check.safeParse({ ...small, sead: 2 }).success).toBe(false);
  });
});
