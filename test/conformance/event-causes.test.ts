import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadScenarioFile } from '../../src/files/index.ts';
import { World } from '../../src/lab/index.ts';
import { type EventCause, eventCauses, INIT_CONTAINER_ERRORS } from '../../src/telemetry/index.ts';

const SCENARIOS = 'scenarios';

/** Keys that no scenario brings about: the test that does, and that names the key. */
const BY_TEST: Readonly<Record<string, string>> = {
  // Strong affinity takes such a pod to nodes that have the model: what is missing has gone from the disk since.
  warmupFileMissing: 'test/platform/init.test.ts',
  // A scenario that mounts a file system which its pool lacks is refused when it is read.
  sfsTurboMountError: 'test/platform/init.test.ts',
  // The clients of a scenario's traffic let their tasks run.
  asyncTaskCancellationFailed: 'test/platform/tasks.test.ts',
  // In scenarios keys are bound as they should be.
  apiKeyBindingFailed: 'test/guide/authentication.test.ts',
  apiKeyUnbindingFailed: 'test/guide/authentication.test.ts',
};

/** `table key` of each event of a run of one scenario. A failed check of an init container also counts for its error. */
function eventsOf(file: string): Set<string> {
  const seen = new Set<string>();
  const world = new World(loadScenarioFile(file).description, {
    eventSink: ({ level, reason, message }) => {
      seen.add(`${level} ${reason}`);
      if (reason !== 'InferInitContainerFailed') return;
      for (const [key, { code }] of Object.entries(INIT_CONTAINER_ERRORS)) {
        if (message.includes(`errcode: ${code},`)) seen.add(`init-container ${key}`);
      }
    },
  });
  world.run();
  return seen;
}

function nameOf({ table, key }: EventCause): string {
  return `${table} ${key}`;
}

describe('every text with a cause is caused', () => {
  /** For each event the scenarios in which it happened. */
  const seen = new Map<string, string[]>();

  beforeAll(() => {
    for (const file of readdirSync(SCENARIOS).filter((name) => name.endsWith('.yaml'))) {
      for (const event of eventsOf(join(SCENARIOS, file))) seen.set(event, [...(seen.get(event) ?? []), file]);
    }
  }, 600_000);

  test('by a scenario, or by a test that this one names', () => {
    const missing = eventCauses()
      .filter((each) => each.cause !== undefined && !seen.has(nameOf(each)) && BY_TEST[each.key] === undefined)
      .map((each) => `${nameOf(each)} (guide ${each.guide}): ${each.cause}`);
    expect(missing).toEqual([]);
  });

  test('a text without a cause never happens; these are they, and why', () => {
    const without = eventCauses().filter(({ noCause }) => noCause !== undefined);
    console.info(without.map((each) => `${nameOf(each)} (guide ${each.guide}): ${each.noCause}`).join('\n'));
    expect(without.filter((each) => seen.has(nameOf(each))).map(nameOf)).toEqual([]);
  });

  test('a test that is named for a key exists and names it, and is needed', () => {
    const keys = eventCauses().map(({ key }) => key);
    for (const [key, file] of Object.entries(BY_TEST)) {
      expect(keys).toContain(key);
      expect(readFileSync(file, 'utf8')).toContain(`'${key}'`);
      expect([...seen.keys()].filter((event) => event.endsWith(` ${key}`))).toEqual([]);
    }
  });
});
