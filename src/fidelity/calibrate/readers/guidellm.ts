import type { Lengths, Load, MeasuredPoint } from '../points.ts';
import type { JsonValue } from './json.ts';

/**
 * A report of GuideLLM (`benchmarks.json`), a point for each of its benchmarks. Distributions stand under
 * `metrics.<name>.successful`; the strategy under `args` up to 0.3 and under `config` since. Its
 * `inter_token_latency_ms` leaves out the first token, as TPOT does here; `time_per_output_token_ms` does not.
 */
export function readGuideLlm(report: JsonValue, file: string): MeasuredPoint[] {
  const benchmarks = report.list('benchmarks') ?? [];
  if (benchmarks.length === 0) throw report.wrong('benchmarks: empty; expected at least one benchmark');
  return benchmarks.map((benchmark) => {
    const of = (metric: string, statistic: string): readonly string[] => ['metrics', metric, 'successful', statistic];
    const lengths = (metric: string): Lengths => ({
      kind: 'mean',
      mean: benchmark.positive(...of(metric, 'mean')),
      deviation: benchmark.numberIfAny(...of(metric, 'std_dev')) ?? 0,
    });
    const throughput = benchmark.numberIfAny(...of('output_tokens_per_second', 'mean'));
    return {
      file,
      load: loadOf(benchmark),
      requests: benchmark.numberIfAny(...of('time_to_first_token_ms', 'count')),
      prompt: lengths('prompt_token_count'),
      output: lengths('output_token_count'),
      measured: {
        ttft: benchmark.positive(...of('time_to_first_token_ms', 'mean')),
        tpot: benchmark.positive(...of('inter_token_latency_ms', 'mean')),
        ...(throughput === undefined || throughput <= 0 ? {} : { throughput }),
      },
      notes: [],
    };
  });
}

function loadOf(benchmark: JsonValue): Load {
  const strategy = ['config', 'args', 'scheduler']
    .map((parent) => benchmark.at(parent, 'strategy'))
    .find((found) => found !== undefined);
  if (strategy === undefined) throw benchmark.wrong('no config.strategy (or args.strategy), which tells the load');
  const type = strategy.text('type_');
  switch (type) {
    case 'synchronous':
      return { kind: 'closed', clients: 1 };
    case 'concurrent':
      return { kind: 'closed', clients: strategy.positive('streams') };
    case 'throughput': {
      // Its limit may be the tool's own, far above what was under way.
      const clients = benchmark.positive('metrics', 'request_concurrency', 'successful', 'mean');
      return { kind: 'closed', clients: Math.max(1, Math.round(clients)) };
    }
    case 'constant':
    case 'poisson':
      return { kind: 'open', rate: strategy.positive('rate'), arrivals: type };
    default:
      throw strategy.wrong(
        `type_ is ${type === undefined ? 'missing' : `"${type}"`}; expected synchronous, concurrent, throughput, constant or poisson`,
      );
  }
}
