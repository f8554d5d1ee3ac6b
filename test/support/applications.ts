import { scenario } from './scenario.ts';

/** A scenario whose one service, `app`, is an application on pods that take no time to speak of. */
export function applicationScenario(application: unknown, overrides: object = {}, service: object = {}): object {
  const unit = { application, image: { sizeGiB: 1 }, resources: { accelerators: 0, cpu: 1, memoryGiB: 4 } };
  const deployment = { name: 'main', pool: 'npu', instances: 1, units: [unit] };
  return {
    ...scenario({}, 1),
    traffic: [],
    services: [{ name: 'app', auth: { kind: 'none' }, deployments: [deployment], ...service }],
    ...overrides,
  };
}
