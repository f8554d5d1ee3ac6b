import { type Engine, EngineRoom, type EngineSpec, KvLinkRoom, type KvLinkSpec, Sequence } from '../../engine/index.ts';
import { assert, type EventKind, Kernel, type Micros, Priority } from '../../kernel/index.ts';
import type { Requests } from './load.ts';
import { type Outcome, Stopwatch } from './outcome.ts';

/** Prefill engines, decode engines, and the link over which each prefill engine's keys and values are fetched. */
export interface Disaggregation {
  readonly prefill: EngineSpec;
  readonly prefillEngines: number;
  readonly decode: EngineSpec;
  readonly decodeEngines: number;
  readonly link: KvLinkSpec;
  readonly kvBytesPerToken: number;
  /** Whose the first token is: the prefill engine's as soon as it has it, or the decode engine's, a step after it has the KV. */
  readonly firstToken: 'prefill' | 'decode';
  readonly frontEndMs: (promptTokens: number) => number;
}

export interface Load {
  readonly requests: Requests;
  /** A number of clients without think time, or the moments of arrival. */
  readonly arrivals: { readonly clients: number } | { readonly at: readonly Micros[] };
}

export interface DisaggregatedOutcome extends Outcome {
  readonly mostOpen: number;
  /** TTFT and TPOT of each request, milliseconds. */
  readonly each: readonly { readonly ttftMs: number; readonly tpotMs: number }[];
}

/** Least outstanding first, ties to the lowest number: what the published deployments' routers do at this grain. */
class Balancer {
  readonly engines: Engine[] = [];
  readonly open: number[] = [];
  choose(): number {
    let least = 0;
    for (let index = 1; index < this.open.length; index++) if (this.open[index]! < this.open[least]!) least = index;
    this.open[least]!++;
    return least;
  }
}

/** A load on prefill and decode engines with a transfer in between, on the real engines and links. */
export function disaggregated(setup: Disaggregation, load: Load): DisaggregatedOutcome {
  const { promptTokens, outputTokens } = load.requests;
  const count = promptTokens.length;
  const kernel = new Kernel(1);
  const watch = new Stopwatch(kernel, count);
  const room = new EngineRoom(kernel);
  const links = new KvLinkRoom(kernel);
  const prefill = new Balancer();
  const decode = new Balancer();
  const prefillOf = new Int32Array(count);
  const decodeOf = new Int32Array(count);
  const held = new Map<number, Sequence>();
  const closed = 'clients' in load.arrivals;
  let next = 0;

  const send = (request: number): void => {
    watch.sent(request);
    prefillOf[request] = prefill.choose();
    prefill.engines[prefillOf[request]!]!.submit(
      new Sequence({ request, promptTokens: promptTokens[request]!, outputTokens: 1, leg: 'prefill' }),
    );
  };
  const finished = (request: number): void => {
    watch.last(request);
    if (closed && next < count) send(next++);
  };
  const ignore = (): void => {};
  const opened = Array.from({ length: setup.prefillEngines }, () => links.open(setup.link));
  for (let index = 0; index < setup.prefillEngines; index++) {
    prefill.open.push(0);
    prefill.engines.push(
      room.start(setup.prefill, {
        admitted: ignore,
        firstToken: ignore,
        preempted: ignore,
        prefilled(sequence) {
          const { request } = sequence;
          prefill.open[index]!--;
          held.set(request, sequence);
          if (setup.firstToken === 'prefill' || outputTokens[request] === 1) watch.first(request);
          if (outputTokens[request] === 1) {
            kernel.schedule(release, kernel.now, request);
            finished(request);
            return;
          }
          decodeOf[request] = decode.choose();
          decode.engines[decodeOf[request]!]!.submit(
            new Sequence({
              request,
              promptTokens: promptTokens[request]!,
              outputTokens: outputTokens[request]!,
              leg: 'decode',
              // Streamed by the decode engine, the first token takes a step there (vLLM, SGLang).
              generated: setup.firstToken === 'prefill' ? [kernel.now] : [],
            }),
          );
        },
        ended: ignore,
      }),
    );
  }
  // Not from within the engine's own step: it is still settling when it says that a prompt is computed.
  const release: EventKind = kernel.kind('fidelity/release', Priority.script, (request) => {
    prefill.engines[prefillOf[request]!]!.release(held.get(request)!);
    held.delete(request);
  });
  for (let index = 0; index < setup.decodeEngines; index++) {
    decode.open.push(0);
    decode.engines.push(
      room.start(setup.decode, {
        admitted: ignore,
        firstToken: ({ request }) => watch.first(request),
        preempted: ignore,
        receiving(sequence) {
          const { request } = sequence;
          opened[prefillOf[request]!]!.send(promptTokens[request]! * setup.kvBytesPerToken, () => {
            decode.engines[index]!.receive(sequence);
            prefill.engines[prefillOf[request]!]!.release(held.get(request)!);
            held.delete(request);
          });
        },
        ended({ request }) {
          decode.open[index]!--;
          finished(request);
        },
      }),
    );
  }
  if ('clients' in load.arrivals) {
    while (next < Math.min(load.arrivals.clients, count)) send(next++);
  } else {
    const { at } = load.arrivals;
    const arrival: EventKind = kernel.kind('fidelity/arrival', Priority.arrival, (request) => {
      send(request);
      if (request + 1 < count) kernel.schedule(arrival, at[request + 1]!, request + 1);
    });
    kernel.schedule(arrival, at[0]!, 0);
  }
  while (kernel.step());
  assert(watch.ended === count, `${watch.ended} of ${count} requests ended`);
  const frontEndMs = (request: number): number => setup.frontEndMs(promptTokens[request]!);
  return {
    ...watch.outcome(outputTokens, frontEndMs),
    mostOpen: watch.mostOpen,
    each: watch.each(outputTokens, frontEndMs),
  };
}
