import { UserError } from '../../../kernel/index.ts';

/** A value of a JSON file that somebody else wrote, and where it stands: what is missing is named by its path. */
export class JsonValue {
  readonly value: unknown;
  readonly #file: string;
  readonly path: string;

  constructor(value: unknown, file: string, path = '') {
    this.value = value;
    this.#file = file;
    this.path = path;
  }

  /** The member at a path of keys; one that is not there, or null, is undefined. */
  at(...keys: readonly (string | number)[]): JsonValue | undefined {
    let value = this.value;
    for (const key of keys) {
      if (typeof value !== 'object' || value === null) return undefined;
      value = (value as Record<string | number, unknown>)[key];
    }
    return value === undefined || value === null ? undefined : new JsonValue(value, this.#file, this.#join(keys));
  }

  /** @throws UserError when it is there and no number; numbers in quotes count */
  numberIfAny(...keys: readonly (string | number)[]): number | undefined {
    const found = this.at(...keys);
    if (found === undefined) return undefined;
    const { value } = found;
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number !== 'number' || Number.isNaN(number)) throw found.wrong(`got ${shown(value)}, expected a number`);
    return number;
  }

  /** @throws UserError when it is missing or not above zero */
  positive(...keys: readonly (string | number)[]): number {
    const number = this.numberIfAny(...keys);
    if (number === undefined) throw this.missing(...keys);
    if (!(number > 0) || !Number.isFinite(number)) {
      throw this.at(...keys)!.wrong(`got ${number}, expected a number above 0`);
    }
    return number;
  }

  text(...keys: readonly (string | number)[]): string | undefined {
    const value = this.at(...keys)?.value;
    return typeof value === 'string' ? value : undefined;
  }

  /** The members of an array; undefined where there is none. */
  list(...keys: readonly (string | number)[]): JsonValue[] | undefined {
    const found = this.at(...keys);
    if (!Array.isArray(found?.value)) return undefined;
    return found.value.map((value, index) => new JsonValue(value, this.#file, `${found.path}[${index}]`));
  }

  missing(...keys: readonly (string | number)[]): UserError {
    return new UserError(`${this.#join(keys)}: missing; expected a number above 0`, { file: this.#file });
  }

  wrong(problem: string): UserError {
    return new UserError(this.path === '' ? problem : `${this.path}: ${problem}`, { file: this.#file });
  }

  #join(keys: readonly (string | number)[]): string {
    return keys.reduce<string>(
      (path, key) => (typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`),
      this.path,
    );
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
