import { type Engine, EngineRoom, type EngineSpec, Sequence } from '../../engine/index.ts';
import { assert, Kernel } from '../../kernel/index.ts';
import type { Requests } from './load.ts';
import { type Outcome, Stopwatch } from './outcome.ts';

export interface ClosedLoop {
  readonly clients: number;
  readonly requests: Requests;
  /** What the server adds to a first token besides its steps, milliseconds. */
  readonly frontEndMs: (promptTokens: number) => number;
}

export interface ClosedLoopOutcome extends Outcome {
  readonly mostOpen: number;
}

/**
 * A benchmark without think time against one engine: every client sends its first request at time zero and the next
 * one when its last has ended. All requests count, the first burst included: that is what the published means hold.
 */
export function closedLoop(spec: EngineSpec, load: ClosedLoop): ClosedLoopOutcome {
  const { promptTokens, outputTokens } = load.requests;
  const kernel = new Kernel(1);
  const watch = new Stopwatch(kernel, promptTokens.length);
  let next = 0;
  let engine: Engine;
  const send = (): void => {
    if (next >= promptTokens.length) return;
    const request = next++;
    watch.sent(request);
    engine.submit(
      new Sequence({ request, promptTokens: promptTokens[request]!, outputTokens: outputTokens[request]! }),
    );
  };
  engine = new EngineRoom(kernel).start(spec, watch.listener(send));
  for (let client = 0; client < load.clients; client++) send();
  while (kernel.step());
  assert(watch.ended === promptTokens.length, `${watch.ended} of ${promptTokens.length} requests ended`);
  const outcome = watch.outcome(outputTokens, (request) => load.frontEndMs(promptTokens[request]!));
  return { ...outcome, mostOpen: watch.mostOpen };
}
