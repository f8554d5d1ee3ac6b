import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';

const FOLDER = 'scenarios';

/** The stories; those that replay a published trace of an hour are measured by the promises, not here. */
const STORIES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => join(FOLDER, name))
  .filter((file) => !readFileSync(file, 'utf8').includes('kind: trace'));

describe('every scenario', () => {
  test.each(STORIES)('%s passes, and gives the same trace again', (file) => {
    const [first, second] = [0, 1].map(() => Lab.fromFile(file).simulate());
    const { verdict, expectations, trafficNeverBegun, traceHash } = first!;
    expect(trafficNeverBegun).toEqual([]);
    expect(expectations.filter(({ held }) => !held)).toEqual([]);
    expect(expectations.length).toBeGreaterThan(0);
    expect(verdict).toBe('pass');
    expect(second!.traceHash).toBe(traceHash);
  });

  test.each(STORIES)('%s begins with a comment that tells its story', (file) => {
    expect(readFileSync(file, 'utf8')).toMatch(/^# [^\n]+\n/);
  });
});
