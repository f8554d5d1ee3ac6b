import { describe, expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';
import { scenario } from '../support/scenario.ts';

const MAIN = { service: 'chat', deployment: 'main' } as const;

describe('lab.operate', () => {
  test('asks the platform as an operator would, and is journalled', async () => {
    const lab = Lab.fromObject(scenario());
    lab.runUntilReady();
    expect(lab.operate({ kind: 'scale', ...MAIN, instances: 3 })).toBeUndefined();
    lab.runUntil(600_000);
    const ready = lab.events().filter(({ reason }) => reason === 'Scheduled');
    expect(ready).toHaveLength(3);
    expect(lab.journal()).toContain('"operate"');
  });

  test('says why it was refused', () => {
    const lab = Lab.fromObject(scenario());
    lab.runUntilReady();
    expect(lab.operate({ kind: 'start', ...MAIN })).toBe('it is RUNNING');
    expect(lab.operate({ kind: 'stop', service: 'nobody' })).toBe('there is no service "nobody"');
  });
});
