import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { compareInLab } from '../../src/cli/compare-lab.ts';
import { bars, type ComparedService } from '../../src/cli/compare-targets.ts';
import type { ServiceState } from '../../src/index.ts';
import { guideRule } from '../support/guide-rule.ts';
import { chatService, scenario } from '../support/scenario.ts';

/** Live comparison (guide 1087-1108); the command is tested in test/cli/compare.test.ts. */

const folder = mkdtempSync(join(tmpdir(), 'inferlab-comparison-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The answers of services to one prompt. */
async function compared(services: readonly object[]): Promise<readonly ComparedService[]> {
  const file = join(folder, 'scenario.json');
  writeFileSync(file, JSON.stringify(scenario({ services })));
  const question = { prompt: 'Why is the sky blue?', maxTokens: 8, timeoutMs: 60_000 };
  return (await compareInLab(file, undefined, question, { traffic: false, set: [] })).services;
}

describe('live comparison', () => {
  guideRule(1106, 'one prompt is put to several services, and their answers stand side by side', async () => {
    const answers = await compared(['one', 'two', 'three'].map((name) => chatService(name, 1)));
    expect(answers.map(({ name, answered }) => [name, answered])).toEqual([
      ['one', true],
      ['two', true],
      ['three', true],
    ]);
    expect(new Set(answers.map(({ promptTokens }) => promptTokens)).size).toBe(1);
    for (const { text, outputTokens, ttftMs, e2eMs } of answers) {
      expect(text).not.toBe('');
      expect(outputTokens).toBe(8);
      expect(ttftMs!).toBeLessThan(e2eMs!);
    }
  });

  guideRule(1089, 'live comparison takes real-time text generation services only', async () => {
    const deployment = { name: 'main', pool: 'npu', instances: 1 };
    const image = { ...deployment, units: [{ application: 'image-generation', resources: { cpu: 4, memoryGiB: 8 } }] };
    const tasks = { ...deployment, maxConcurrentTasks: 1, units: [{ model: 'qwen3-8b' }] };
    const answers = await compared([
      chatService('text', 1),
      { name: 'image', deployments: [image] },
      { name: 'tasks', mode: 'asynchronous', maxTasks: 1, deployments: [tasks] },
    ]);
    expect(answers.map(({ name, failure }) => [name, failure?.kind])).toEqual([
      ['text', undefined],
      ['image', 'not-asked'],
      ['tasks', 'not-asked'],
    ]);
  });

  guideRule(1089, 'a service takes part in a live comparison while it is Running, Alarm or Upgrading', async () => {
    const state = { name: 'chat', model: 'qwen3-8b', mode: 'synchronous', protocol: 'HTTP', auth: 'none' };
    const STATES = [
      'INIT',
      'DEPLOYING',
      'RUNNING',
      'CONCERNING',
      'UPGRADING',
      'STOPPING',
      'STOPPED',
      'ERROR',
      'DELETING',
    ];
    const taken = STATES.filter((status) => bars({ ...state, status } as unknown as ServiceState).barred === null);
    expect(taken).toEqual(['RUNNING', 'CONCERNING', 'UPGRADING']);
  });
});
