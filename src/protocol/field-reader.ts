import { WireError } from './errors.ts';
import { NESTING_MAX, nestsTooDeep } from './json-nesting.ts';

/** vLLM prints no more of them than this. */
const MAX_ISSUES_SHOWN = 10;

type Path = readonly (string | number)[];

/** Why a value is not what a field takes: pydantic's error type and its message. */
class Mismatch {
  readonly type: string;
  readonly msg: string;
  constructor(type: string, msg: string) {
    this.type = type;
    this.msg = msg;
  }
}

type Convert<T> = (value: unknown) => T | Mismatch;

const MISSING = new Mismatch('missing', 'Field required');
const NOT_OBJECT = new Mismatch(
  'model_attributes_type',
  'Input should be a valid dictionary or object to extract fields from',
);

const TOO_DEEP = new Mismatch('recursion_loop', `Input should not nest deeper than ${NESTING_MAX} levels`);

/** The other spellings of a boolean that pydantic's lax mode takes and clients send. */
const LAX_BOOLEANS = new Map<unknown, boolean>([
  [true, true],
  [1, true],
  ['true', true],
  [false, false],
  [0, false],
  ['false', false],
]);

const toInteger: Convert<number> = (value) => {
  const number = typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : value;
  if (typeof value === 'string' && typeof number === 'string') {
    return new Mismatch('int_parsing', 'Input should be a valid integer, unable to parse string as an integer');
  }
  if (typeof number !== 'number') return new Mismatch('int_type', 'Input should be a valid integer');
  if (Number.isInteger(number)) return number;
  return new Mismatch('int_from_float', 'Input should be a valid integer, got a number with a fractional part');
};

const toNumber: Convert<number> = (value) =>
  typeof value === 'number' ? value : new Mismatch('float_type', 'Input should be a valid number');

const toBoolean: Convert<boolean> = (value) =>
  LAX_BOOLEANS.get(value) ?? new Mismatch('bool_type', 'Input should be a valid boolean');

const toText: Convert<string> = (value) =>
  typeof value === 'string' ? value : new Mismatch('string_type', 'Input should be a valid string');

const toList: Convert<readonly unknown[]> = (value) =>
  Array.isArray(value) ? value : new Mismatch('list_type', 'Input should be a valid list');

const toFields: Convert<Record<string, unknown>> = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : NOT_OBJECT;

/**
 * Reads the fields of a JSON body as pydantic would, collects everything that is missing or mistyped, and refuses the
 * body once with all of it. A field that is `null` counts as absent. Fields nobody asks for are ignored.
 */
export class FieldReader {
  readonly #fields: Record<string, unknown>;
  readonly #path: Path;
  readonly #issues: string[];

  constructor(body: unknown, path: Path = ['body'], issues: string[] = []) {
    this.#path = path;
    this.#issues = issues;
    const fields = toFields(body);
    if (fields instanceof Mismatch) this.#report(path, fields);
    this.#fields = fields instanceof Mismatch ? {} : fields;
  }

  /** The value as it came, or undefined when absent or null. */
  raw(name: string): unknown {
    return this.#fields[name] ?? undefined;
  }

  integer(name: string): number | undefined {
    return this.#read(name, toInteger);
  }

  number(name: string): number | undefined {
    return this.#read(name, toNumber);
  }

  boolean(name: string): boolean | undefined {
    return this.#read(name, toBoolean);
  }

  text(name: string): string | undefined {
    return this.#read(name, toText);
  }

  list(name: string): readonly unknown[] | undefined {
    return this.#read(name, toList);
  }

  /** A list of texts; an item that is none is reported by its place in the list. */
  texts(name: string): readonly string[] | undefined {
    return this.list(name)?.flatMap((item, at) => {
      if (typeof item === 'string') return [item];
      this.#report([...this.#path, name, at], new Mismatch('string_type', 'Input should be a valid string'));
      return [];
    });
  }

  /** Any object, as it came, unless it nests too deep. */
  fields(name: string): Readonly<Record<string, unknown>> | undefined {
    return this.#read(name, (value) => (nestsTooDeep(value) ? TOO_DEEP : toFields(value)));
  }

  /** A reader of the object in that field; its issues join this one's. */
  object(name: string): FieldReader | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : new FieldReader(value, [...this.#path, name], this.#issues);
  }

  /** Readers of the objects in that list. */
  objects(name: string): readonly FieldReader[] | undefined {
    return this.list(name)?.map((item, at) => new FieldReader(item, [...this.#path, name, at], this.#issues));
  }

  /** Notes that a field is absent which must not be, and hands the value through. */
  required<T>(name: string, value: T | undefined): T | undefined {
    if (this.raw(name) === undefined) this.#report([...this.#path, name], MISSING);
    return value;
  }

  /** Notes an issue that only the caller can see. */
  mismatch(name: string, type: string, msg: string): void {
    this.#report([...this.#path, name], new Mismatch(type, msg));
  }

  /** Throws a WireError that lists every issue so far, if there is one. */
  finish(): void {
    const count = this.#issues.length;
    if (count === 0) return;
    const lines = this.#issues.slice(0, MAX_ISSUES_SHOWN).map((issue) => `\n  ${issue}`);
    const message = `${count} validation error${count === 1 ? '' : 's'}:${lines.join('')}`;
    throw new WireError({ message, type: 'Bad Request', param: null, code: 400 });
  }

  #read<T>(name: string, convert: Convert<T>): T | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const read = convert(value);
    if (!(read instanceof Mismatch)) return read;
    this.#report([...this.#path, name], read);
    return undefined;
  }

  /** vLLM shows the input as well; it is left out here, since it may be a prompt of many megabytes. */
  #report(path: Path, { type, msg }: Mismatch): void {
    const steps = path.map((step) => (typeof step === 'string' ? `'${step}'` : String(step)));
    const loc = steps.length === 1 ? `(${steps[0]},)` : `(${steps.join(', ')})`;
    this.#issues.push(`{'type': '${type}', 'loc': ${loc}, 'msg': '${msg}'}`);
  }
}
