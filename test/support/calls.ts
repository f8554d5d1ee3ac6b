import type { Call, Reply } from '../../src/gateway/index.ts';
import type { Micros } from '../../src/kernel/index.ts';
import type { LabDescription } from '../../src/lab/index.ts';
import type { DeploymentSpec, ServiceSpec } from '../../src/platform/index.ts';
import { Quick, quick, quickLab } from './quick.ts';
import { SERVICE, service } from './world.ts';

/** A service with settings of calls, over quick deployments: steps of 10 ms, replies of 20 tokens. */
export function callLab(
  settings: Partial<ServiceSpec>,
  deployments: readonly DeploymentSpec[] = [quick()],
  overrides: Partial<LabDescription> = {},
): LabDescription {
  return quickLab(deployments, 2, { services: [service({ deployments, ...settings })], ...overrides });
}

/** Such a service, up. */
export function called(
  settings: Partial<ServiceSpec>,
  deployments?: readonly DeploymentSpec[],
  overrides?: Partial<LabDescription>,
): Quick {
  return Quick.ready(callLab(settings, deployments, overrides));
}

/** Calls it, so many microseconds from now. */
export function ask({ world }: Quick, overrides: Partial<Call> = {}, later = 0): Reply {
  const call = { to: { service: SERVICE }, key: null, promptTokens: 10, ...overrides };
  return world.apply((world.now + later) as Micros, { kind: 'call', call })!;
}

/** Runs until every request has ended, with everything conserved on the way. */
export function untilEnded({ world }: Quick): void {
  for (let event = 0; world.requests.inFlight > 0; event++) {
    if (!world.kernel.step()) throw new Error('Requests are left and nothing is going to happen');
    if (event % 5 === 0) world.check();
  }
  world.check();
}

/** The moments of a reply's tokens, counted from its arrival. */
export function tokenTimes(reply: Reply): number[] {
  return reply.choices.flatMap((choice) =>
    Array.from({ length: choice.outputTokens }, (_, index) => choice.tokenTime(index) - reply.arrivedAt).filter(
      Number.isFinite,
    ),
  );
}

/** The deployment whose pod answers. */
export function deploymentOf({ world }: Quick, reply: Reply): string {
  const engine = world.requests.record(reply.number).engine;
  return world.owners[engine]!.deployment.name;
}

/** The slot of the pod that answers. */
export function slotOf({ world }: Quick, reply: Reply): string {
  return world.owners[world.requests.record(reply.number).engine]!.slot;
}
