import { CsvError, parse } from 'csv-parse/sync';
import { type Micros, micros, nearest, UserError } from '../kernel/index.ts';
import type { Trace } from './spec.ts';
import { parseMooncake } from './trace-mooncake.ts';

/**
 * Formats of recorded workloads. `azure`: the Azure LLM inference traces of 2023 (Patel et al., "Splitwise", ISCA
 * 2024; github.com/Azure/AzurePublicDataset). `mooncake`: the traces of Mooncake (Qin et al., FAST 2025;
 * github.com/kvcache-ai/Mooncake), which tell what prompts share.
 */
export const TRACE_FORMATS = ['azure', 'mooncake'] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];

const AZURE_COLUMNS = { at: 'TIMESTAMP', prompt: 'ContextTokens', output: 'GeneratedTokens' } as const;

const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?$/;
const TICK_DIGITS = 7;
const TICKS_PER_SECOND = 10 ** TICK_DIGITS;
const TICKS_PER_MICRO = 10;

/** A row as csv-parse gives it with `info`: the fields, and where the row ended. */
interface Row {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** An instant in two exact parts: whole seconds since 1970, and ticks of 100 ns. */
interface Instant {
  readonly seconds: number;
  readonly ticks: number;
}

/**
 * Reads a recorded workload.
 * @param file the name that messages carry
 * @throws UserError naming the line, the column, the value and what was expected
 */
export function parseTrace(text: string, file: string, format: TraceFormat): Trace {
  return format === 'azure' ? parseAzure(text, file) : parseMooncake(text, file);
}

/** Timestamps have a grain of 100 ns; differences are taken exactly and rounded once, to the microsecond. */
function parseAzure(text: string, file: string): Trace {
  const [header, ...rows] = readRows(text, file);
  if (header === undefined)
    throw new UserError('empty trace; expected a header and at least one row', { file, line: 1 });
  const columns = AZURE_COLUMNS;
  const at = columnOf(columns.at, header, file);
  const prompt = columnOf(columns.prompt, header, file);
  const output = columnOf(columns.output, header, file);
  if (rows.length === 0) throw new UserError('no rows after the header', { file, line: header.info.lines });

  const offsets: Micros[] = [];
  const promptTokens: number[] = [];
  const outputTokens: number[] = [];
  let first: Instant | undefined;
  let last = 0;
  for (const row of rows) {
    if (row.record.length !== header.record.length) {
      throw new UserError(
        `got ${row.record.length} fields, expected ${header.record.length} (${header.record.join(',')})`,
        { file, line: row.info.lines },
      );
    }
    const instant = instantOf(row, at, columns.at, file);
    first ??= instant;
    const ticks = (instant.seconds - first.seconds) * TICKS_PER_SECOND + instant.ticks - first.ticks;
    if (ticks < last) {
      throw new UserError(
        `${columns.at}: got "${row.record[at]}", which is before the row above; expected rows in order of arrival`,
        placeOf(row, at, file),
      );
    }
    last = ticks;
    offsets.push(micros(ticks / TICKS_PER_MICRO));
    promptTokens.push(tokensOf(row, prompt, columns.prompt, file));
    outputTokens.push(tokensOf(row, output, columns.output, file));
  }
  return { file, at: offsets, promptTokens, outputTokens };
}

function readRows(text: string, file: string): Row[] {
  try {
    const options = { bom: true, info: true, relax_column_count: true, skip_empty_lines: true } as const;
    return parse(text, options) as unknown as Row[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as CsvError & { lines?: number };
    throw new UserError(`not a CSV file: ${error.message}`, { file, ...(lines === undefined ? {} : { line: lines }) });
  }
}

function columnOf(name: string, header: Row, file: string): number {
  const column = header.record.indexOf(name);
  if (column >= 0) return column;
  const found = nearest(name, header.record);
  const got = found === undefined ? `the header "${header.record.join(',')}"` : `"${found}"`;
  const place =
    found === undefined ? { file, line: header.info.lines } : placeOf(header, header.record.indexOf(found), file);
  throw new UserError(`no column "${name}": got ${got}`, place);
}

function instantOf(row: Row, column: number, name: string, file: string): Instant {
  const text = row.record[column]!;
  const match = TIMESTAMP.exec(text);
  if (match !== null) {
    const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const millis = Date.UTC(year, month - 1, day, hour, minute, second);
    // Date.UTC carries what is out of range over (month 13, second 75), so only a real instant reads back the same.
    if (new Date(millis).toISOString().slice(0, 19) === `${text.slice(0, 10)}T${text.slice(11, 19)}`) {
      return { seconds: millis / 1_000, ticks: Number((match[7] ?? '').padEnd(TICK_DIGITS, '0')) };
    }
  }
  throw new UserError(
    `${name}: got "${text}", expected a timestamp such as 2023-11-16 18:15:46.6805900`,
    placeOf(row, column, file),
  );
}

function tokensOf(row: Row, column: number, name: string, file: string): number {
  const text = row.record[column]!;
  const tokens = Number(text);
  if (/^\d+$/.test(text) && tokens > 0 && Number.isSafeInteger(tokens)) return tokens;
  throw new UserError(`${name}: got "${text}", expected a positive integer`, placeOf(row, column, file));
}

/** The place of a field, taking fields as written without quotes, as these traces are. */
function placeOf(row: Row, column: number, file: string): { file: string; line: number; column: number } {
  const before = row.record.slice(0, column).reduce((sum, field) => sum + field.length + 1, 0);
  return { file, line: row.info.lines, column: before + 1 };
}
