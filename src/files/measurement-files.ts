import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MEASUREMENT_FILES, type MeasurementFile, type Measurements } from '../fidelity/index.ts';
import { readText, unreadable } from './load-scenario.ts';

const FIXTURES = new URL('../../fixtures/', import.meta.url);

/** The baseline that `inferlab fidelity` compares with, as committed. */
export const FIDELITY_BASELINE = fileURLToPath(new URL('fidelity-baseline.json', FIXTURES));

/** The published tables, as the package ships them. */
export function readMeasurements(): Measurements {
  const entries = Object.entries(MEASUREMENT_FILES).map(([name, path]) => {
    const file = fileURLToPath(new URL(`measurements/${path}`, FIXTURES));
    return [name, readText(file, `fixtures/measurements/${path}`)];
  });
  return Object.fromEntries(entries) as Record<MeasurementFile, string>;
}

/** @throws UserError when the file cannot be written */
export function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw unreadable(error as Error, file, 'write');
  }
}
