import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Addresses } from '../../src/api/index.ts';
import type { Verdict } from '../../src/scenario/index.ts';
import { inFolder } from './cli.ts';
import { whileServing } from './live-session.ts';

/** Simulated milliseconds of every step. */
export const STEP_MS = 20;

/** Eight engines whose every step takes as long, and no traffic but the clients'. */
const SCENARIO = `
inferlab: 1
name: eight-engines
seed: 1
duration: 1m
pools:
  - { name: pool-a, nodes: [{ flavor: h100-8, count: 1 }] }
services:
  - name: chat
    deployments:
      - name: main
        pool: pool-a
        instances: 8
        units:
          - model: qwen3-8b
            engine:
              stepTime: { kind: distribution, prefill: { medianMs: ${STEP_MS} }, decode: { medianMs: ${STEP_MS} } }
`;

/** Serves them at a speed, simulated seconds a second, while `body` runs. */
export function whileServingEight<Result>(
  speed: number,
  body: (addresses: Addresses) => Promise<Result>,
): Promise<{ result: Result; verdict: Verdict }> {
  return inFolder(async (folder) => {
    const file = join(folder, 'eight-engines.yaml');
    await writeFile(file, SCENARIO);
    return whileServing([file, '--speed', `${speed}`], body);
  });
}
