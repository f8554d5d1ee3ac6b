import { UserError } from '../../../kernel/index.ts';
import type { MeasuredPoint } from '../points.ts';
import { readAiPerf } from './aiperf.ts';
import { CSV_COLUMNS, readCsvPoints } from './csv.ts';
import { readGuideLlm } from './guidellm.ts';
import { JsonValue } from './json.ts';
import { readVllmBench } from './vllm.ts';

const EXPECTED = `expected a result of vllm bench serve (mean_ttft_ms), a GuideLLM report (benchmarks[]), an AIPerf or GenAI-Perf export (time_to_first_token.avg), or a table with the columns concurrency or rate, ${CSV_COLUMNS.join(', ')}`;

/**
 * The points of a benchmark's output, whichever tool wrote it: the format is told by what stands in it.
 * @throws UserError naming the file, what is wrong and what was expected
 */
export function readPoints(text: string, file: string): MeasuredPoint[] {
  if (text.trim() === '') throw new UserError(`empty; ${EXPECTED}`, { file });
  if (!/^\s*[[{]/.test(text)) return readCsvPoints(text, file);
  // Python writes numbers that JSON has not; where they stand for no limit or no figure, nothing says the same.
  const json = text.replace(/([:,[]\s*)(?:-?Infinity|NaN)(?=\s*[,}\]])/g, '$1null');
  return documents(json, file).flatMap((document) => pointsOf(document, file));
}

function pointsOf(document: JsonValue, file: string): MeasuredPoint[] {
  if (document.at('benchmarks') !== undefined) return readGuideLlm(document, file);
  if (document.at('mean_ttft_ms') !== undefined) return [readVllmBench(document, file)];
  if (document.at('input_config') !== undefined || document.at('time_to_first_token', 'avg') !== undefined) {
    return [readAiPerf(document, file)];
  }
  throw document.wrong(`not a benchmark's output; ${EXPECTED}`);
}

/** One JSON value, the members of an array, or one value a line, as tools append results. */
function documents(text: string, file: string): JsonValue[] {
  try {
    const whole = new JsonValue(JSON.parse(text) as unknown, file);
    return Array.isArray(whole.value) ? (whole.list() ?? []) : [whole];
  } catch (error) {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    if (lines.length === 1 || !lines[0]!.trim().endsWith('}')) {
      throw new UserError(`not JSON: ${(error as Error).message}`, { file });
    }
  }
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [new JsonValue(JSON.parse(line) as unknown, file)];
    } catch (error) {
      throw new UserError(`not JSON: ${(error as Error).message}`, { file, line: index + 1 });
    }
  });
}
