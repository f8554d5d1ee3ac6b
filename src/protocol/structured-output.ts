import { badRequest, badValue } from './errors.ts';
import type { FieldReader } from './field-reader.ts';
import { nestsTooDeep } from './json-nesting.ts';

/** A JSON schema, as far as a client may send one: an object, or true for anything. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What the answer's text must look like. */
export type Structure =
  | { readonly kind: 'json'; readonly schema: JsonSchema }
  | { readonly kind: 'choice'; readonly choices: readonly string[] };

/** What `json_object` asks for: any object. The sampler fills an empty schema with fields of its own. */
export const ANY_OBJECT: JsonSchema = { type: 'object' };

/**
 * Reads what constrains the answer's form: `response_format`, which prevails, `structured_outputs`, and the `guided_*`
 * fields of older vLLM (generate/base/protocol.py, structured_outputs_from_response_format). Call the returned function
 * once the types have been checked: it applies the rules on values.
 */
export function readStructure(fields: FieldReader): () => Structure | undefined {
  const format = readFormat(fields);
  const outputs = fields.object('structured_outputs');
  const choice = outputs?.texts('choice') ?? fields.texts('guided_choice');
  return () => {
    for (const [reader, names] of [
      [outputs, ['regex', 'grammar', 'structural_tag']],
      [fields, ['guided_regex', 'guided_grammar']],
    ] as const) {
      for (const name of names) {
        if (reader?.raw(name) !== undefined) throw unsupported(name);
      }
    }
    const json = outputs?.raw('json') ?? fields.raw('guided_json');
    if (outputs !== undefined && json !== undefined && choice !== undefined) {
      throw badValue(
        "You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice').",
        'structured_outputs',
      );
    }
    const formatted = format();
    if (formatted !== undefined) return formatted;
    if (json !== undefined) return { kind: 'json', schema: schemaOf(json) };
    if (outputs?.raw('json_object') === true || fields.raw('guided_json_object') === true) return anyObject();
    if (choice === undefined) return undefined;
    if (choice.length === 0) throw badValue('Choice must be a non-empty list of strings.', 'structured_outputs');
    return { kind: 'choice', choices: choice };
  };
}

/** The types that `response_format` may name. */
const FORMATS = ['text', 'json_object', 'json_schema', 'structural_tag'];

function readFormat(fields: FieldReader): () => Structure | undefined {
  const format = fields.object('response_format');
  if (format === undefined) return () => undefined;
  const type = format.required('type', format.text('type'));
  if (type !== undefined && !FORMATS.includes(type)) {
    format.mismatch('type', 'literal_error', "Input should be 'text', 'json_object' or 'json_schema'");
  }
  const named = type === 'json_schema' ? format.object('json_schema') : undefined;
  named?.required('name', named.text('name'));
  const schema = named?.fields('schema');
  return () => {
    if (type === 'structural_tag') throw unsupported('structural_tag');
    if (type === 'json_object') return anyObject();
    if (type !== 'json_schema') return undefined;
    if (named === undefined) {
      throw badValue(
        "When response_format type is 'json_schema', the 'json_schema' field must be provided.",
        'response_format',
      );
    }
    return { kind: 'json', schema: schema ?? ANY_OBJECT };
  };
}

function anyObject(): Structure {
  return { kind: 'json', schema: ANY_OBJECT };
}

/** A grammar is refused in words: text that silently breaks it costs a person hours. */
function unsupported(name: string): Error {
  return badValue(`\`${name}\` is not supported by this endpoint.`, name);
}

/** `structured_outputs.json` may be a schema or its text. */
function schemaOf(json: unknown): JsonSchema {
  const schema: unknown = typeof json === 'string' ? parsed(json) : json;
  const open = typeof schema === 'object' && schema !== null && !Array.isArray(schema) && !nestsTooDeep(schema);
  if (open) return schema as JsonSchema;
  throw badRequest('The JSON schema is not valid JSON, not an object, or nests too deep.', 'structured_outputs');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
