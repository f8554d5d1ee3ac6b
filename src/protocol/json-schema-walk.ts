import { FORMATS } from './json-formats.ts';
import type { Prose } from './json-sample.ts';
import type { JsonSchema } from './structured-output.ts';

/** Below this depth only what is required is written, and the simplest of alternatives: a schema may be recursive. */
const DEPTH_PLAIN = 4;
/** Below this null stands for everything, and after so many values there is no more: some schemas demand no end. */
const DEPTH_MAX = 48;
const VALUES_MAX = 20_000;
/** The longest string and list that a schema gets, whatever it demands. */
const LENGTH_MAX = 65_536;
const ITEMS_MAX = 4_096;

/** A piece of prose is a word of at most eight letters after a space, or a mark: one to nine characters a token. */
const PROSE_CHARS_MOST = 9;
const BOUNDED_STRING_LENGTH = 12;
const NUMBER_SPAN = 100;
const ITEMS_USUAL = { min: 1, max: 3 };

/** What `{"type":"object"}` is given when it names no properties. */
const FREE_PROPERTIES: JsonSchema = { title: { type: 'string' }, notes: { type: 'array', items: { type: 'string' } } };

/**
 * Walks a schema and writes an instance of it, with gaps for prose. It obeys type, enum, const, properties, required,
 * additionalProperties, items, prefixItems, minItems, maxItems, uniqueItems (of scalars), minLength, maxLength, format,
 * minimum, maximum and their exclusive forms, multipleOf, anyOf, oneOf (the first that is drawn), allOf, nullable and
 * local `$ref`s. It does not obey pattern, not, if/then/else, dependencies, patternProperties and propertyNames.
 */
export class JsonSampler {
  readonly #root: JsonSchema;
  readonly #words: readonly string[];
  readonly #uniform: () => number;
  readonly #parts: (string | Prose)[] = [];
  #values = 0;

  constructor(root: JsonSchema, words: readonly string[], uniform: () => number) {
    this.#root = root;
    this.#words = words;
    this.#uniform = uniform;
  }

  sample(): (string | Prose)[] {
    const { properties, additionalProperties } = this.#root;
    const free = this.#root.type === 'object' && properties === undefined && additionalProperties === undefined;
    this.#value(free ? { ...this.#root, properties: FREE_PROPERTIES } : this.#root, 0);
    return this.#parts;
  }

  /** @param place where it stands among values that must differ */
  #value(given: unknown, depth: number, place?: number): void {
    if (this.#values++ > VALUES_MAX || depth > DEPTH_MAX) {
      this.#write('null');
      return;
    }
    const schema = this.#resolve(given, depth);
    const text = this.#fixed(schema, place);
    if (text !== undefined) this.#write(text);
    else if (typeOf(schema) === 'object') this.#object(schema, depth);
    else if (typeOf(schema) === 'array') this.#array(schema, depth);
    else this.#string(schema, place);
  }

  /** A value without prose, as JSON. */
  #fixed(schema: JsonSchema, place: number | undefined): string | undefined {
    if ('const' in schema) return JSON.stringify(schema.const);
    const { enum: values } = schema;
    if (Array.isArray(values) && values.length > 0) {
      return JSON.stringify(values[place === undefined ? this.#below(values.length) : place % values.length]);
    }
    switch (typeOf(schema)) {
      case 'object':
      case 'array':
        return undefined;
      case 'integer':
      case 'number':
        return JSON.stringify(this.#number(schema, place));
      case 'boolean':
        return String(place === undefined ? this.#uniform() < 0.5 : place % 2 === 0);
      case 'null':
        return 'null';
      default: {
        const format = typeof schema.format === 'string' ? FORMATS.get(schema.format) : undefined;
        return format === undefined ? undefined : JSON.stringify(format(this.#uniform));
      }
    }
  }

  /** Follows references, picks alternatives and merges what must hold together. */
  #resolve(given: unknown, depth: number): JsonSchema {
    let schema = objectOf(given);
    // Schemas that are made of themselves count as values do: they may have no end either.
    if (this.#values++ > VALUES_MAX || depth > DEPTH_MAX) return {};
    for (let steps = 0; steps < DEPTH_MAX; steps++) {
      const { $ref, allOf, anyOf, oneOf, ...rest } = schema;
      if (typeof $ref === 'string') schema = { ...this.#pointed($ref), ...rest };
      else if (Array.isArray(allOf))
        schema = allOf.reduce((one, other) => both(one, this.#resolve(other, depth + 1)), rest);
      else if (Array.isArray(anyOf) && anyOf.length > 0) schema = both(rest, this.#choose(anyOf, depth));
      else if (Array.isArray(oneOf) && oneOf.length > 0) schema = both(rest, this.#choose(oneOf, depth));
      else break;
    }
    return schema;
  }

  #choose(alternatives: readonly unknown[], depth: number): JsonSchema {
    const plain = alternatives.map(objectOf).filter((schema) => {
      return !('$ref' in schema) && !['object', 'array'].includes(typeOf(schema));
    });
    const from = depth >= DEPTH_PLAIN && plain.length > 0 ? plain : alternatives;
    return objectOf(from[this.#below(from.length)]);
  }

  #pointed(ref: string): JsonSchema {
    if (!ref.startsWith('#')) return {};
    const steps = ref
      .slice(1)
      .split('/')
      .filter((step) => step !== '');
    let at: unknown = this.#root;
    for (const step of steps) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      at = typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? at[key as keyof typeof at] : undefined;
    }
    return objectOf(at);
  }

  #object(schema: JsonSchema, depth: number): void {
    const properties = objectOf(schema.properties);
    const required = Array.isArray(schema.required) ? schema.required.filter((name) => typeof name === 'string') : [];
    const written = Object.keys(properties).filter((name) => depth < DEPTH_PLAIN || required.includes(name));
    const members: [string, unknown][] = written.map((name) => [name, properties[name]]);
    const rest = schema.additionalProperties;
    for (const name of required) {
      if (!Object.hasOwn(properties, name)) members.push([name, rest === undefined || rest === true ? {} : rest]);
    }
    const least = Math.min(numberOf(schema.minProperties) ?? 0, ITEMS_MAX);
    const open = typeof rest === 'object' && rest !== null && members.length === 0 && depth < DEPTH_PLAIN;
    for (let more = members.length; more < Math.max(least, open ? 1 : 0); more++) {
      members.push([`${this.#word()}_${more + 1}`, rest === true ? {} : rest]);
    }
    this.#write('{');
    for (const [at, [name, value]] of members.entries()) {
      if (this.#values > VALUES_MAX) break;
      this.#write(`${at === 0 ? '' : ','}${JSON.stringify(name)}:`);
      this.#value(value, depth + 1);
    }
    this.#write('}');
  }

  #array(schema: JsonSchema, depth: number): void {
    const prefix = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
    const least = Math.min(numberOf(schema.minItems) ?? 0, ITEMS_MAX);
    const most = Math.min(numberOf(schema.maxItems) ?? ITEMS_MAX, schema.items === false ? prefix.length : ITEMS_MAX);
    const usual = ITEMS_USUAL.min + this.#below(ITEMS_USUAL.max - ITEMS_USUAL.min + 1);
    const wanted = depth >= DEPTH_PLAIN ? 0 : schema.uniqueItems === true ? ITEMS_USUAL.min : usual;
    const count = Math.min(most, Math.max(least, wanted, Math.min(prefix.length, most)));
    this.#write('[');
    for (let at = 0; at < count && this.#values <= VALUES_MAX; at++) {
      if (at > 0) this.#write(',');
      this.#value(prefix[at] ?? schema.items, depth + 1, schema.uniqueItems === true ? at : undefined);
    }
    this.#write(']');
  }

  #number(schema: JsonSchema, place: number | undefined): number {
    const whole = typeOf(schema) === 'integer';
    const step = numberOf(schema.multipleOf) ?? (whole ? 1 : 0.01);
    const above = numberOf(schema.exclusiveMinimum);
    const below = numberOf(schema.exclusiveMaximum);
    const minimum = Math.max(numberOf(schema.minimum) ?? Number.NEGATIVE_INFINITY, above ?? Number.NEGATIVE_INFINITY);
    const maximum = Math.min(numberOf(schema.maximum) ?? Number.POSITIVE_INFINITY, below ?? Number.POSITIVE_INFINITY);
    const low = Number.isFinite(minimum) ? minimum : Number.isFinite(maximum) ? maximum - NUMBER_SPAN : 0;
    const high = Math.min(maximum, low + Math.max(NUMBER_SPAN, step));
    const least = Math.ceil(low / step);
    const first = above !== undefined && least * step <= above ? least + 1 : least;
    const most = Math.floor(high / step);
    const last = below !== undefined && most * step >= below ? most - 1 : most;
    const at = place === undefined ? first + this.#below(Math.max(1, last - first + 1)) : first + place;
    if (first <= last && Number.isFinite(at * step)) return whole ? at * step : tidy(at * step);
    // Nothing of that step fits in: the middle of what is allowed, which is right unless a step was demanded.
    return whole ? Math.ceil(low) : low / 2 + high / 2;
  }

  #string(schema: JsonSchema, place: number | undefined): void {
    const least = Math.min(numberOf(schema.minLength) ?? 0, LENGTH_MAX);
    const most = numberOf(schema.maxLength) ?? Number.MAX_SAFE_INTEGER;
    const ordinal = place === undefined ? '' : `${place + 1}:`;
    // A token of prose has at least one character: so many tokens are long enough.
    const tokens = Math.max(1, least);
    const longest = Math.floor((most - ordinal.length) / PROSE_CHARS_MOST);
    if (tokens <= longest) {
      this.#write(`"${ordinal}`);
      this.#parts.push({ tokens, most: longest });
      this.#write('"');
      return;
    }
    const length = Math.max(least, Math.min(most, BOUNDED_STRING_LENGTH));
    let text = ordinal;
    while (text.length < length) text += this.#word();
    this.#write(JSON.stringify(text.slice(0, length)));
  }

  #word(): string {
    return (this.#words[this.#below(this.#words.length)] ?? 'item').replace(/[^a-z]/gi, '') || 'item';
  }

  #below(count: number): number {
    return Math.floor(this.#uniform() * count);
  }

  /** Neighbouring fixed texts become one: only so does the whole count what its parts do. */
  #write(text: string): void {
    const last = this.#parts.at(-1);
    if (typeof last === 'string') this.#parts[this.#parts.length - 1] = last + text;
    else this.#parts.push(text);
  }
}

function typeOf(schema: JsonSchema): string {
  const { type } = schema;
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return type.find((each) => each !== 'null') ?? 'null';
  if ('properties' in schema || 'required' in schema || 'additionalProperties' in schema) return 'object';
  if ('items' in schema || 'prefixItems' in schema || 'minItems' in schema) return 'array';
  const numeric = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'];
  return numeric.some((name) => name in schema) ? 'number' : 'string';
}

function objectOf(value: unknown): JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonSchema) : {};
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Two schemas that must both hold: properties and required names join, for the rest the second prevails. */
function both(one: JsonSchema, other: JsonSchema): JsonSchema {
  const properties = { ...objectOf(one.properties), ...objectOf(other.properties) };
  const lists = [one.required, other.required].filter(Array.isArray).flat();
  return {
    ...one,
    ...other,
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(lists.length === 0 ? {} : { required: lists }),
  };
}

/** Without the noise of binary fractions: 0.07, not 0.07000000000000001. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}
