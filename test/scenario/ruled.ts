import { expect } from 'vitest';
import { stringify } from 'yaml';
import type { LabDescription } from '../../src/lab/index.ts';
import type { DeploymentSpec } from '../../src/platform/index.ts';
import { describe as describeLab, readScenario } from '../../src/scenario/index.ts';

/** Scenarios by what is special about them: two instances of one unit on two Ascend nodes, but for that. */
export interface Parts {
  readonly scenario?: object;
  readonly pool?: object;
  readonly nodes?: readonly object[];
  readonly service?: object;
  readonly deployment?: object;
  /** Settings of the only unit. */
  readonly unit?: object;
  readonly units?: readonly object[];
}

export const MODEL = { model: 'qwen3-8b' };
export const PD = [
  { ...MODEL, role: 'prefill' },
  { ...MODEL, role: 'decode' },
];

/** As a person writes it. */
export function written({ scenario, pool, nodes, service, deployment, unit, units }: Parts): string {
  const deployments = [
    { name: 'main', pool: 'npu', instances: 2, units: units ?? [{ ...MODEL, ...unit }], ...deployment },
  ];
  return stringify({
    inferlab: 1,
    name: 'rules',
    pools: [{ name: 'npu', nodes: nodes ?? [{ flavor: 'snt9b-8', count: 2 }], ...pool }],
    services: [{ name: 'chat', deployments, ...service }],
    ...scenario,
  });
}

/** The lab that comes of it. */
export const taken = (parts: Parts): LabDescription =>
  describeLab(readScenario(written(parts), 'rules.yaml'), new Map()).lab;
export const deployed = (parts: Parts): DeploymentSpec => taken(parts).services[0]!.deployments[0]!;
/** It is refused with a message that has these words. */
export const refused = (parts: Parts, message: string): void =>
  expect(() => taken(parts)).toThrowError(
    expect.objectContaining({ name: 'UserError', message: expect.stringContaining(message) }),
  );
export const mounts = (count: number, of: (index: number) => object): object[] =>
  Array.from({ length: count }, (_, i) => of(i));
