import { AT_4X } from './measure/azure.ts';
import { kernelEvents, traceRecords } from './measure/kernel.ts';
import { labTokens } from './measure/lab-client.ts';
import { replyRates, streamRates } from './measure/live-throughput.ts';
import { gangPods, placedPods } from './measure/placement.ts';
import { engineRequests, simulatedRequests } from './measure/simulation.ts';
import type { Benchmark } from './support/benchmark.ts';

/** Everything whose speed is measured. To add one, add a row; what it runs goes to `measure/`. */
export const BENCHMARKS = [
  {
    name: 'kernel-events',
    unit: 'events/s',
    measures: 'self-rescheduling events, 10,000 pending, with a cancelled timeout for one in eight',
    prepare: kernelEvents,
  },
  {
    name: 'requests-azure-conversation-h100',
    unit: 'requests/s',
    measures: 'a world composed, run and judged: the whole trace of 19,366 requests on 8 x H100',
    prepare: () => simulatedRequests('azure-conversation-h100'),
  },
  {
    name: 'requests-azure-conversation-910b',
    unit: 'requests/s',
    measures: 'a world composed, run and judged: the whole trace of 19,366 requests on 8 x Ascend 910B',
    prepare: () => simulatedRequests('azure-conversation-910b'),
  },
  {
    name: 'requests-azure-conversation-h100-4x',
    unit: 'requests/s',
    measures: 'the same on 8 x H100 with four times the rate of arrivals',
    prepare: () => simulatedRequests('azure-conversation-h100', AT_4X),
  },
  {
    name: 'requests-azure-conversation-910b-4x',
    unit: 'requests/s',
    measures: 'the same on 8 x Ascend 910B with four times the rate of arrivals',
    prepare: () => simulatedRequests('azure-conversation-910b', AT_4X),
  },
  {
    name: 'requests-mooncake-conversation-h100',
    unit: 'requests/s',
    measures: 'a world composed, run and judged: the Mooncake conversation trace with prefix caching on 8 x H100',
    prepare: () => simulatedRequests('mooncake-conversation-h100'),
  },
  {
    name: 'engine-requests',
    unit: 'requests/s',
    measures: 'the same trace fed to 8 engines directly: no platform, no gateway, no log, no hash (Ascend 910B)',
    prepare: () => engineRequests('azure-conversation-910b'),
  },
  {
    name: 'engine-requests-h100',
    unit: 'requests/s',
    measures: 'the same with the engines of 8 x H100',
    prepare: () => engineRequests('azure-conversation-h100'),
  },
  {
    name: 'placement-1000-nodes-100000-pods',
    unit: 'pods/s',
    measures: 'pods of a twentieth of an NPU, one at a time, by high availability: 100,000 on 1,000 empty nodes',
    prepare: placedPods,
  },
  {
    name: 'gang-1000-pods-100-nodes',
    unit: 'pods/s',
    measures: 'the same 1,000 at once, as one gang on 100 empty nodes',
    prepare: gangPods,
  },
  {
    name: 'trace-records',
    unit: 'records/s',
    measures: 'records into the canonical trace, and its hash',
    prepare: traceRecords,
  },
  {
    name: 'lab-streaming-tokens',
    unit: 'tokens/s',
    measures: 'tokens that the real openai client receives inside lab.run, 20 streams at once, the lab composed too',
    prepare: labTokens,
  },
  {
    name: 'live-replies',
    unit: 'replies/s',
    measures:
      'whole answers of 12 tokens over sockets, `serve --speed 100`, 128 kept-alive connections, second by second',
    rates: replyRates,
  },
  {
    name: 'live-streams',
    unit: 'streams/s',
    measures: 'the same streamed, every token an event',
    rates: streamRates,
  },
] as const satisfies readonly Benchmark[];

export type BenchmarkName = (typeof BENCHMARKS)[number]['name'];

export function benchmark(name: BenchmarkName): Benchmark {
  return BENCHMARKS.find((each) => each.name === name)!;
}
