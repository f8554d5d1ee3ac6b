import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { serve } from '../../src/cli/serve.ts';
import { loadScenarioFile } from '../../src/files/index.ts';
import type { JournalHeader } from '../../src/kernel/index.ts';
import { World } from '../../src/lab/index.ts';
import { scenario } from '../support/scenario.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'inferlab-calendar-'));
const FILE = join(FOLDER, 'scenario.json');
const JOURNAL = join(FOLDER, 'session.jsonl');
writeFileSync(FILE, JSON.stringify(scenario({ duration: '1s' }, 1)));

afterEach(() => {
  vi.restoreAllMocks();
});

/** Serves to the end. @returns the moments before and after, and the epoch that the journal has */
async function served(cold: boolean): Promise<{ before: number; after: number; epoch: number }> {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const before = Date.now();
  const where = { host: '127.0.0.1', port: 0, journal: JOURNAL, set: [], json: true };
  await serve(FILE, { ...where, cold, speed: 100, lagBudget: 1e9, traffic: true, untilEnd: true, log: 'silent' });
  const [first = ''] = readFileSync(JOURNAL, 'utf8').split('\n', 1);
  return { before, after: Date.now(), epoch: (JSON.parse(first) as JournalHeader).epoch };
}

// Else tokens, dates in answers and periodic rules of scaling are minutes ahead of whoever calls.
test('the simulated calendar is now when a session that was warmed up begins', async () => {
  const { before, after, epoch } = await served(false);
  const { description } = loadScenarioFile(FILE, {});
  const world = new World({ ...description, epoch });
  world.runUntilSettled();
  const warmUp = world.now / 1_000;
  expect(warmUp).toBeGreaterThan(10_000);
  expect(epoch + warmUp).toBeGreaterThanOrEqual(before - 1);
  expect(epoch + warmUp).toBeLessThanOrEqual(after + 1);
});

test('the simulated calendar of a cold session begins now', async () => {
  const { before, after, epoch } = await served(true);
  expect(epoch).toBeGreaterThanOrEqual(before);
  expect(epoch).toBeLessThanOrEqual(after);
  rmSync(FOLDER, { recursive: true });
});
