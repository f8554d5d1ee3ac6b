import type { Lengths, Load, MeasuredPoint } from '../points.ts';
import type { JsonValue } from './json.ts';

/**
 * A result of `vllm bench serve --save-result` (vllm/benchmarks/serve.py), with each request's lengths where it was run
 * with `--save-detailed`. `python -m sglang.bench_serving --output-file` writes the same names.
 */
export function readVllmBench(result: JsonValue, file: string): MeasuredPoint {
  const completed = result.positive('completed');
  const notes: string[] = [];
  const unlimited = result.text('request_rate') === 'inf';
  const rate = (unlimited ? undefined : result.numberIfAny('request_rate')) ?? Number.POSITIVE_INFINITY;
  const clients = result.numberIfAny('max_concurrency');
  const each = eachOf(result);
  const mean = (total: string): Lengths => ({ kind: 'mean', mean: result.positive(total) / completed, deviation: 0 });
  if (each === undefined) notes.push('no input_lens and output_lens: all requests are taken to be of the mean lengths');
  if (Number.isFinite(rate) && clients !== undefined) notes.push(`max_concurrency ${clients} beside a rate is ignored`);
  const throughput = result.numberIfAny('output_throughput');
  return {
    file,
    load: loadOf(rate, result.numberIfAny('burstiness') ?? 1, clients ?? completed),
    requests: completed,
    prompt: each?.prompt ?? mean('total_input_tokens'),
    output: each?.output ?? mean('total_output_tokens'),
    measured: {
      ttft: result.positive('mean_ttft_ms'),
      tpot: result.positive('mean_tpot_ms'),
      ...(throughput === undefined || throughput <= 0 ? {} : { throughput }),
    },
    notes,
  };
}

/** Burstiness is the shape of a gamma distribution: 1 is Poisson, and far above it arrivals are as good as even. */
function loadOf(rate: number, burstiness: number, clients: number): Load {
  if (!Number.isFinite(rate)) return { kind: 'closed', clients };
  return { kind: 'open', rate, arrivals: burstiness >= 10 ? 'constant' : 'poisson' };
}

/** Lengths of the requests that were answered: a failed one has an output of nothing. */
function eachOf(result: JsonValue): { prompt: Lengths; output: Lengths } | undefined {
  const prompts = result.list('input_lens');
  const outputs = result.list('output_lens');
  if (prompts === undefined || outputs === undefined || prompts.length !== outputs.length) return undefined;
  const pairs = prompts
    .map(({ value }, index) => [Number(value), Number(outputs[index]!.value)] as const)
    .filter(([prompt, output]) => prompt > 0 && output > 0);
  if (pairs.length === 0) return undefined;
  return {
    prompt: { kind: 'each', tokens: pairs.map(([prompt]) => prompt) },
    output: { kind: 'each', tokens: pairs.map(([, output]) => output) },
  };
}
