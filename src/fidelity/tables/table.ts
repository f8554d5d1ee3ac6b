import { CsvError, parse } from 'csv-parse/sync';
import { nearest, UserError } from '../../kernel/index.ts';

/** A row of a published table, and where it stands. */
export class TableRow {
  readonly #fields: Readonly<Record<string, string>>;
  readonly #file: string;
  readonly line: number;

  constructor(fields: Readonly<Record<string, string>>, file: string, line: number) {
    this.#fields = fields;
    this.#file = file;
    this.line = line;
  }

  /** Empty where the table leaves it out. */
  text(column: string): string {
    return this.#fields[column] ?? '';
  }

  /** @throws UserError when it is no number */
  number(column: string): number {
    const value = this.numberIfAny(column);
    if (value === undefined) throw this.wrong(column, 'a number');
    return value;
  }

  numberIfAny(column: string): number | undefined {
    const text = this.text(column);
    if (text === '') return undefined;
    const value = Number(text);
    if (!Number.isFinite(value)) throw this.wrong(column, 'a number or nothing');
    return value;
  }

  /** @throws UserError when it is none of them */
  oneOf<Name extends string>(column: string, names: readonly Name[]): Name {
    const text = this.text(column) as Name;
    if (!names.includes(text)) throw this.wrong(column, `one of ${names.join(', ')}`);
    return text;
  }

  /** An error at this row. */
  wrong(column: string, expected: string): UserError {
    return new UserError(`${column}: got "${this.text(column)}", expected ${expected}`, {
      file: this.#file,
      line: this.line,
    });
  }
}

/**
 * Reads a table with a header.
 * @param file the name that messages carry
 * @param columns those that it must have
 * @throws UserError naming the line
 */
export function readTable(text: string, file: string, columns: readonly string[], delimiter = ','): TableRow[] {
  let rows: { record: Record<string, string>; info: { lines: number } }[];
  try {
    const options = { bom: true, columns: true, info: true, skip_empty_lines: true, delimiter } as const;
    rows = parse(text, options) as unknown as typeof rows;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as CsvError & { lines?: number };
    throw new UserError(`not a table: ${error.message}`, { file, ...(lines === undefined ? {} : { line: lines }) });
  }
  if (rows.length === 0) throw new UserError('no rows; expected a header and at least one row', { file, line: 1 });
  const header = Object.keys(rows[0]!.record);
  for (const column of columns) {
    if (header.includes(column)) continue;
    const near = nearest(column, header);
    const got = near === undefined ? `the header is "${header.join(delimiter)}"` : `there is "${near}"`;
    throw new UserError(`no column "${column}": ${got}`, { file, line: 1 });
  }
  return rows.map(({ record, info }) => new TableRow(record, file, info.lines));
}
