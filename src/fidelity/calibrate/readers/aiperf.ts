import type { Lengths, Load, MeasuredPoint } from '../points.ts';
import type { JsonValue } from './json.ts';

/** Milliseconds of each unit of time that an export may name. */
const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1e3,
  sec: 1e3,
  seconds: 1e3,
};

/** Where an export keeps its load: AIPerf 0.6 and later in phases, before under `loadgen`; GenAI-Perf in two places. */
const PLACES = [
  { at: ['input_config', 'loadgen'], rate: 'request_rate', pattern: 'request_rate_mode' },
  { at: ['input_config', 'perf_analyzer', 'stimulus'], rate: 'request_rate', pattern: '' },
  { at: ['input_config'], rate: 'request_rate', pattern: '' },
] as const;

/**
 * `profile_export_aiperf.json` of AIPerf, or `profile_export_genai_perf.json` of GenAI-Perf before it: a block of
 * statistics for each metric at the top, and the configuration of the run. Its inter-token latency is of each request
 * (latency less TTFT, over the tokens after the first), so TPOT as it is here.
 */
export function readAiPerf(report: JsonValue, file: string): MeasuredPoint {
  const lengths = (metric: string): Lengths => ({
    kind: 'mean',
    mean: report.positive(metric, 'avg'),
    deviation: report.numberIfAny(metric, 'std') ?? 0,
  });
  if (report.at('time_to_first_token') === undefined || report.at('inter_token_latency') === undefined) {
    throw report.wrong('no time_to_first_token and inter_token_latency; expected a run with --streaming');
  }
  const throughput = report.numberIfAny('output_token_throughput', 'avg');
  const notes: string[] = [];
  return {
    file,
    load: loadOf(report, notes),
    requests: report.numberIfAny('request_count', 'avg') ?? report.numberIfAny('time_to_first_token', 'count'),
    prompt: lengths('input_sequence_length'),
    output: lengths('output_sequence_length'),
    measured: {
      ttft: milliseconds(report, 'time_to_first_token'),
      tpot: milliseconds(report, 'inter_token_latency'),
      ...(throughput === undefined || throughput <= 0 ? {} : { throughput }),
    },
    notes,
  };
}

function milliseconds(report: JsonValue, metric: string): number {
  const unit = report.text(metric, 'unit') ?? 'ms';
  const factor = MILLISECONDS[unit];
  if (factor === undefined) {
    const known = Object.keys(MILLISECONDS).join(', ');
    throw report.at(metric, 'unit')!.wrong(`got "${unit}", expected one of ${known}`);
  }
  return factor * report.positive(metric, 'avg');
}

function loadOf(report: JsonValue, notes: string[]): Load {
  const phases = report.list('input_config', 'phases') ?? [];
  const phase = phases.find((one) => one.at('exclude_from_results')?.value !== true);
  if (phase !== undefined) {
    const load = loadAt(phase, 'rate', phase.text('type'), notes);
    if (load !== undefined) return load;
  }
  for (const { at, rate, pattern } of PLACES) {
    const place = report.at(...at);
    const load = place === undefined ? undefined : loadAt(place, rate, place.text(pattern), notes);
    if (load !== undefined) return load;
  }
  throw report.wrong(
    'input_config tells no load; expected phases[].concurrency or phases[].rate, loadgen.concurrency or .request_rate, perf_analyzer.stimulus.concurrency, or concurrency',
  );
}

function loadAt(place: JsonValue, rateKey: string, pattern: string | undefined, notes: string[]): Load | undefined {
  const rate = place.numberIfAny(rateKey);
  const clients = place.numberIfAny('concurrency');
  if (rate !== undefined && rate > 0 && Number.isFinite(rate)) {
    if (clients !== undefined) notes.push(`concurrency ${clients} beside a rate is ignored`);
    return { kind: 'open', rate, arrivals: pattern === 'constant' ? 'constant' : 'poisson' };
  }
  return clients === undefined ? undefined : { kind: 'closed', clients: place.positive('concurrency') };
}
