import { fromMillis, type Micros, UserError } from '../kernel/index.ts';
import type { Trace } from './spec.ts';

/** Tokens of a block that a Mooncake trace names by one hash. */
const BLOCK_TOKENS = 512;

/**
 * Reads a Mooncake trace: a JSON object a line, `{timestamp, input_length, output_length, hash_ids}`; milliseconds,
 * tokens, and a hash for every 512 tokens of the prompt, each of everything up to its end.
 * @throws UserError naming the line and what was expected there
 */
export function parseMooncake(text: string, file: string): Trace {
  const at: Micros[] = [];
  const promptTokens: number[] = [];
  const outputTokens: number[] = [];
  const hashes: number[][] = [];
  let first: number | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const row = readRow(line, file, index + 1);
    first ??= row.timestamp;
    const offset = fromMillis(row.timestamp - first);
    if (offset < (at.at(-1) ?? 0)) {
      const problem = `timestamp: got ${row.timestamp}, which is before the line above; expected lines in order of arrival`;
      throw new UserError(problem, { file, line: index + 1 });
    }
    at.push(offset);
    promptTokens.push(row.input_length);
    outputTokens.push(row.output_length);
    hashes.push(row.hash_ids);
  }
  if (at.length === 0) throw new UserError('empty trace; expected a JSON object a line', { file, line: 1 });
  return { file, at, promptTokens, outputTokens, prefixes: { unitTokens: BLOCK_TOKENS, hashes } };
}

interface MooncakeRow {
  readonly timestamp: number;
  readonly input_length: number;
  readonly output_length: number;
  readonly hash_ids: number[];
}

function readRow(line: string, file: string, number: number): MooncakeRow {
  const place = { file, line: number };
  let row: Partial<MooncakeRow> | null;
  try {
    row = JSON.parse(line) as Partial<MooncakeRow> | null;
  } catch {
    throw new UserError(
      'not a JSON object; expected {"timestamp", "input_length", "output_length", "hash_ids"}',
      place,
    );
  }
  const positive = (name: 'input_length' | 'output_length'): void => {
    const value = row?.[name];
    if (Number.isSafeInteger(value) && (value as number) > 0) return;
    throw new UserError(`${name}: got ${JSON.stringify(value) ?? 'nothing'}, expected an integer above 0`, place);
  };
  if (typeof row?.timestamp !== 'number' || !(row.timestamp >= 0)) {
    throw new UserError(`timestamp: got ${JSON.stringify(row?.timestamp) ?? 'nothing'}, expected milliseconds`, place);
  }
  positive('input_length');
  positive('output_length');
  if (!Array.isArray(row.hash_ids) || !row.hash_ids.every((hash) => Number.isSafeInteger(hash))) {
    throw new UserError('hash_ids: expected a list of integers', place);
  }
  return row as MooncakeRow;
}
