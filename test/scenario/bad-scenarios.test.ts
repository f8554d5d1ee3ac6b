import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { describe as describeLab, readScenario } from '../../src/scenario/index.ts';

const FOLDER = new URL('../fixtures/bad/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, FOLDER), 'utf8');
const MESSAGES = JSON.parse(read('messages.json')) as Record<string, string>;
const TRACES = new Map(['broken.csv', 'long.csv'].map((file) => [file, read(file)]));

describe('a malformed scenario is refused with a message that says where, what and what instead', () => {
  test.each(Object.entries(MESSAGES))('%s', (file, message) => {
    expect(() => describeLab(readScenario(read(file), file), TRACES)).toThrowError(
      expect.objectContaining({ name: 'UserError', message }),
    );
  });

  test('every fixture has its message', () => {
    const fixtures = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));
    expect(Object.keys(MESSAGES)).toEqual(fixtures.sort());
  });
});
