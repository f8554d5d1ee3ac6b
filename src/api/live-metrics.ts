import { encodePrometheus, histogramSamples } from '../protocol/index.ts';
import { LAG_BUCKETS_MS, type Live } from './live.ts';

/** InferLab's own metrics: how true to the clock the live session is. */
export function liveMetrics(live: Live): string {
  const { requests } = live.world;
  return encodePrometheus([
    {
      name: 'inferlab_emit_lag_ms',
      help: 'How late deliveries left, in wall milliseconds.',
      type: 'histogram',
      samples: histogramSamples({}, LAG_BUCKETS_MS, live.lagHistogram),
    },
    single('inferlab_simulated_seconds', 'Simulated time.', live.world.now / 1e6),
    single('inferlab_speed', 'Simulated seconds per wall second.', live.speed),
    single('inferlab_requests_in_flight', 'Requests that have not ended.', requests.inFlight),
    single('inferlab_requests', 'Requests since the start.', requests.size),
  ]);
}

function single(name: string, help: string, value: number) {
  return { name, help, type: 'gauge' as const, samples: [{ labels: {}, value }] };
}
