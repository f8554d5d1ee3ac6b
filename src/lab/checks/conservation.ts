import { ApplicationServer } from '../../engine/index.ts';
import { assert } from '../../kernel/index.ts';
import { Outcome } from '../../telemetry/index.ts';
import type { World } from '../world.ts';

/**
 * Nothing is lost and nothing is held twice: requests, KV blocks and accelerators add up, and nothing lives on what
 * is dead. Reads only. @throws when something does not hold.
 */
export function checkConservation(world: World): void {
  checkRequests(world);
  checkEngines(world);
  checkAccelerators(world);
}

function checkRequests({ requests, engines, gateway }: World): void {
  let inFlight = 0;
  for (const record of requests.records()) {
    if (record.outcome === Outcome.inFlight) inFlight++;
    if (record.outcome === Outcome.completed) {
      assert(record.outputTokens === record.outputTokensDue, `request ${record.number} lacks tokens`);
      assert(
        record.arrivedAt <= record.admittedAt &&
          record.admittedAt < record.firstTokenAt &&
          record.firstTokenAt <= record.endedAt,
        `request ${record.number} is out of order in time`,
      );
    }
  }
  assert(inFlight === requests.inFlight, `${inFlight} requests have not ended, ${requests.inFlight} are in flight`);
  // A prompt that one engine holds for another is a request that the other has as well.
  const held = engines.processes.reduce((sum, engine) => {
    const figures = engine.figures();
    return sum + figures.running - figures.held + figures.waiting;
  }, 0);
  const { requests: open, waiting, attempts, detached, choices } = gateway.work;
  assert(open === inFlight, `${open} requests are open at the gateway, ${inFlight} are in flight`);
  // Each has one attempt, or waits for the next; besides there are copies, and what nobody waits for any more.
  assert(attempts === open - waiting + detached, `${attempts} attempts are on, ${waiting} of ${open} requests wait`);
  assert(held === choices, `engines hold ${held} answers, ${choices} of ${attempts} attempts are awaited`);
}

function checkEngines({ engines }: World): void {
  for (const engine of engines.processes) {
    const { running, waiting, receiving, kvBlocksUsed, kvBlocksTotal } = engine.figures();
    assert(kvBlocksUsed >= 0 && kvBlocksUsed <= kvBlocksTotal, `engine ${engine.id} uses ${kvBlocksUsed} KV blocks`);
    const holders = running + receiving;
    assert(holders > 0 || kvBlocksUsed === 0, `engine ${engine.id} runs nothing and uses ${kvBlocksUsed} KV blocks`);
    if (engine instanceof ApplicationServer) {
      const { concurrency = running } = engine.spec;
      assert(running <= concurrency, `application ${engine.id} works on ${running} requests in ${concurrency} places`);
    }
    assert(engine.alive || running + waiting === 0, `dead engine ${engine.id} holds requests`);
  }
}

function checkAccelerators({ cluster, platform }: World): void {
  const living = new Map(platform.pods.filter((pod) => pod.phase !== 'terminated').map((pod) => [pod.name, pod]));
  for (const node of cluster.allNodes) {
    for (const [index, holders] of node.holders.entries()) {
      for (const holder of holders) {
        const pod = living.get(holder);
        assert(pod !== undefined, `${holder} is gone and holds accelerator ${index} of ${node.name}`);
        assert(
          pod.placement?.accelerators.includes(index) === true,
          `${holder} does not know its accelerator ${index}`,
        );
      }
    }
  }
  for (const pod of living.values()) {
    const { placement } = pod;
    if (placement === undefined) continue;
    for (const index of placement.accelerators) {
      assert(placement.node.holders[index]!.includes(pod.name), `${pod.name} does not hold accelerator ${index}`);
    }
  }
}
