import { assert } from '../../kernel/index.ts';
import type { World } from '../world.ts';

/**
 * No service has more tasks than it may, no instance holds more than it has places, and every task that runs is one open
 * request. Reads only. @throws when something does not hold.
 */
export function checkTasks({ tasks, platform, requests }: World): void {
  for (const service of platform.services) {
    if (service.spec.mode !== 'asynchronous') continue;
    const quota = tasks.all.filter((task) => task.service === service && task.takesQuota).length;
    assert(quota === tasks.quotaOf(service), `${service.name} counts ${tasks.quotaOf(service)} tasks, not ${quota}`);
    for (const { instances } of service.deployments) {
      for (const instance of instances) {
        const held = tasks.heldBy(instance);
        const most = instance.version.spec.maxConcurrentTasks ?? 0;
        assert(held <= most, `${instance.name} holds ${held} tasks, ${most} at most`);
      }
    }
  }
  for (const { number, runs, state, holder, request } of tasks.all) {
    if (runs) {
      assert(holder !== undefined, `task ${number} is ${state} and nobody holds it`);
      assert(requests.record(request!).outcome === 0, `task ${number} is ${state} and its request has ended`);
    } else if (state === 'deleted' || state === 'created') {
      assert(holder === undefined, `task ${number} is ${state} and ${holder?.replica.slot} holds it`);
    }
  }
}
