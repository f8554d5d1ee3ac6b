import { EngineRoom, type EngineSpec, Sequence } from '../../engine/index.ts';
import { assert, type EventKind, Kernel, type Micros, Priority } from '../../kernel/index.ts';
import type { Requests } from './load.ts';
import { type Outcome, Stopwatch } from './outcome.ts';

/** Recorded arrivals. */
export interface RecordedRequests extends Requests {
  /** Moments of arrival, in order. */
  readonly at: readonly Micros[];
}

export interface OpenLoop {
  readonly requests: RecordedRequests;
  /** Engines, which take requests in turn. */
  readonly engines: number;
  readonly frontEndMs: number;
}

/** Replays recorded arrivals, exactly when they came. */
export function openLoop(spec: EngineSpec, { requests, engines: count, frontEndMs }: OpenLoop): Outcome {
  const { at, promptTokens, outputTokens } = requests;
  const kernel = new Kernel(1);
  const watch = new Stopwatch(kernel, at.length);
  const room = new EngineRoom(kernel);
  const listener = watch.listener(() => {});
  const engines = Array.from({ length: count }, () => room.start(spec, listener));
  const arrival: EventKind = kernel.kind('fidelity/arrival', Priority.arrival, (request) => {
    watch.sent(request);
    engines[request % count]!.submit(
      new Sequence({ request, promptTokens: promptTokens[request]!, outputTokens: outputTokens[request]! }),
    );
    if (request + 1 < at.length) kernel.schedule(arrival, at[request + 1]!, request + 1);
  });
  kernel.schedule(arrival, at[0]!, 0);
  while (kernel.step());
  assert(watch.ended === at.length, `${watch.ended} of ${at.length} requests ended`);
  return watch.outcome(outputTokens, () => frontEndMs);
}
