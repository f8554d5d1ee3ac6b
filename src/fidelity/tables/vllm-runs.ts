import { fromSeconds, type Micros, micros, UserError } from '../../kernel/index.ts';
import { percentile } from '../../telemetry/index.ts';
import type { RecordedRequests } from '../harness/open-loop.ts';
import type { Outcome } from '../harness/outcome.ts';
import { readTable } from './table.ts';

/** A run of a real engine, request by request. */
export interface RecordedRun {
  readonly requests: RecordedRequests;
  readonly measured: Pick<Outcome, 'ttftMs' | 'ttftP50Ms' | 'ttftP99Ms' | 'tpotMs' | 'e2eMs' | 'outputTokensPerSecond'>;
}

interface RunLine {
  readonly input_toks: number;
  readonly output_toks: number;
  readonly queued_ts: number;
  readonly first_token_ts: number;
  readonly last_token_ts: number;
}

const MOMENTS = ['queued_ts', 'first_token_ts', 'last_token_ts'] as const;
const COUNTS = ['input_toks', 'output_toks'] as const;

/** Reads vLLM's own record of a run (LLMServingSim's `requests.jsonl`), one JSON object a line. */
export function readRun(text: string, file: string): RecordedRun {
  const lines = text
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [runLine(line, file, index + 1)]))
    .sort((a, b) => a.queued_ts - b.queued_ts);
  const [opening] = lines;
  if (opening === undefined) throw new UserError('no requests', { file, line: 1 });
  const ttft = Float64Array.from(lines, (line) => 1e3 * (line.first_token_ts - line.queued_ts)).sort();
  const answers = lines.filter(({ output_toks }) => output_toks > 1);
  const tpot = answers.map((line) => (1e3 * (line.last_token_ts - line.first_token_ts)) / (line.output_toks - 1));
  const tokens = lines.reduce((sum, { output_toks }) => sum + output_toks, 0);
  const last = Math.max(...lines.map(({ last_token_ts }) => last_token_ts));
  return {
    requests: {
      at: lines.map(({ queued_ts }) => fromSeconds(queued_ts - opening.queued_ts)),
      promptTokens: Int32Array.from(lines, ({ input_toks }) => input_toks),
      outputTokens: Int32Array.from(lines, ({ output_toks }) => output_toks),
    },
    measured: {
      ttftMs: mean(ttft),
      ttftP50Ms: percentile(ttft, 50),
      ttftP99Ms: percentile(ttft, 99),
      tpotMs: mean(tpot),
      e2eMs: mean(lines.map((line) => 1e3 * (line.last_token_ts - line.queued_ts))),
      outputTokensPerSecond: tokens / (last - opening.queued_ts),
    },
  };
}

function runLine(text: string, file: string, line: number): RunLine {
  let parsed: Partial<RunLine>;
  try {
    parsed = JSON.parse(text) as Partial<RunLine>;
  } catch (error) {
    throw new UserError(`not JSON: ${(error as Error).message}`, { file, line });
  }
  for (const key of [...MOMENTS, ...COUNTS]) {
    if (typeof parsed[key] !== 'number') throw new UserError(`${key}: expected a number`, { file, line });
  }
  return parsed as RunLine;
}

/** Reads arrivals and lengths (`arrival_time_ns,input_toks,output_toks`). */
export function readLengths(text: string, file: string): RecordedRequests {
  const rows = readTable(text, file, ['arrival_time_ns', 'input_toks', 'output_toks']);
  return {
    at: rows.map((row): Micros => micros(row.number('arrival_time_ns') / 1_000)),
    promptTokens: Int32Array.from(rows, (row) => row.number('input_toks')),
    outputTokens: Int32Array.from(rows, (row) => row.number('output_toks')),
  };
}

/** What one framework made of the run, the real engine (`vLLM`) among them. */
export interface ReferenceLatency {
  readonly framework: string;
  readonly outputTokensPerSecond: number;
  readonly ttftMs: number;
  readonly tpotMs: number;
}

export function readReference(text: string, file: string): ReferenceLatency[] {
  const columns = ['framework', 'throughput_tok_s', 'mean_ttft_ms', 'mean_tpot_ms'] as const;
  return readTable(text, file, columns, '\t').map((row) => ({
    framework: row.text('framework'),
    outputTokensPerSecond: row.number('throughput_tok_s'),
    ttftMs: row.number('mean_ttft_ms'),
    tpotMs: row.number('mean_tpot_ms'),
  }));
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]!;
  return sum / values.length;
}
