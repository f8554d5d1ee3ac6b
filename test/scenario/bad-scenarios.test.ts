import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadScenarioText, readText } from '../../src/files/index.ts';

const FOLDER = new URL('../fixtures/bad/', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, FOLDER), 'utf8');
const MESSAGES = JSON.parse(read('messages.json')) as Record<string, string>;
const readTrace = (path: string): string => readText(new URL(path, FOLDER).pathname, path);

describe('a malformed scenario is refused with a message that says where, what and what instead', () => {
  test.each(Object.entries(MESSAGES))('%s', (file, message) => {
    expect(() => loadScenarioText(read(file), file, {}, readTrace)).toThrowError(
      expect.objectContaining({ name: 'UserError', message }),
    );
  });

  test('every fixture has its message', () => {
    const fixtures = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));
    expect(Object.keys(MESSAGES)).toEqual(
      fixtures.sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10)),
    );
  });
});
