import type { Micros } from '../kernel/index.ts';
import { type LabDescription, Session, World } from '../lab/index.ts';
import { apiKeyFor } from '../platform/index.ts';
import { DataPlane } from './data-plane.ts';
import { Outbox } from './outbox.ts';
import { GATEWAY } from './wire.ts';

/** Requests that a run of the data plane takes until its code is compiled. */
const REQUESTS = 200;
const BODY = Buffer.from(
  JSON.stringify({
    messages: [{ role: 'user', content: 'Hello' }],
    stream: true,
    max_tokens: 16,
    stream_options: { include_usage: true },
  }),
);

/**
 * Takes requests through a world of its own, which nobody sees, so that the first real ones do not wait for code to
 * be compiled: a live session's lag is then the machine's, not the process's youth.
 */
export function warmUp(description: LabDescription): void {
  const world = new World(description, { noTraffic: true });
  world.runUntilSettled();
  const session = new Session(
    world,
    () => world.now,
    () => {},
  );
  const plane = new DataPlane(session);
  const outbox = new Outbox();
  for (const { spec } of world.platform.services) {
    // A task waits for places, and what an application answers, and how long that goes on, is its own.
    if (spec.mode === 'asynchronous') continue;
    if (spec.deployments[0]?.units[0]?.application !== undefined) continue;
    const key = spec.auth.kind !== 'api-key' ? '' : apiKeyFor(description.seed, spec.name, spec.auth.keys[0]!.name);
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const path = `/v2/infer/${spec.id}/v1/chat/completions`;
    for (let request = 0; request < REQUESTS; request++) {
      outbox.add(plane.handle({ method: 'POST', path, headers, body: BODY }, GATEWAY), { deliver: () => {} });
    }
    while (outbox.size > 0) {
      const due = Math.min(world.kernel.nextAt(), outbox.nextDue()) as Micros;
      if (!Number.isFinite(due)) break;
      world.runUntil(due);
      outbox.flush(world.now);
    }
  }
}
