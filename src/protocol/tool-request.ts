import { badValue } from './errors.ts';
import type { FieldReader } from './field-reader.ts';
import { ANY_OBJECT, type JsonSchema } from './structured-output.ts';

/** A function that the model may call. */
export interface Tool {
  readonly name: string;
  readonly description: string | undefined;
  readonly parameters: JsonSchema;
}

/** The tools of a request, where it lets the model call them. */
export interface ToolUse {
  readonly tools: readonly Tool[];
  /** `named`: exactly that one; `required`: any, but one; `auto`: as the model sees fit. */
  readonly choice: 'auto' | 'required' | { readonly named: string };
  /** Several calls in one answer are welcome. */
  readonly parallel: boolean;
}

/** Reads a list of `{type: 'function', function: {name, parameters}}`, or undefined. */
export function readChatTools(fields: FieldReader): readonly Tool[] | undefined {
  return fields.objects('tools')?.map((tool) => {
    const type = tool.text('type');
    if (type !== undefined && type !== 'function') {
      tool.mismatch('type', 'literal_error', "Input should be 'function'");
    }
    const fn = tool.object('function');
    tool.required('function', fn);
    return readFunction(fn, 'parameters');
  });
}

/** Reads one function: its name, and its schema from the field that the dialect keeps it in. */
export function readFunction(fn: FieldReader | undefined, schema: string): Tool {
  return {
    name: fn?.required('name', fn.text('name')) ?? '',
    description: fn?.text('description'),
    parameters: fn?.fields(schema) ?? ANY_OBJECT,
  };
}

const USAGE = 'Correct usage: `{"type": "function", "function": {"name": "my_function"}}`';

/**
 * vLLM's rules on tools, in its words and order (chat_completion/protocol.py, check_tool_usage), and what they leave:
 * undefined where no tool may be called. Call it after the types have been checked.
 */
export function chatToolUse(fields: FieldReader, tools: readonly Tool[] | undefined): ToolUse | undefined {
  if (tools?.length === 0) {
    throw badValue(
      '`tools` must not be an empty array. Either provide at least one tool or omit the field entirely.',
      'tools',
    );
  }
  const choice = fields.raw('tool_choice') ?? (tools === undefined ? 'none' : 'auto');
  if (choice === 'none') return undefined;
  if (tools === undefined) throw badValue('When using `tool_choice`, `tools` must be set.', 'tool_choice');
  const parallel = fields.raw('parallel_tool_calls') !== false;
  if (choice === 'auto' || choice === 'required') return { tools, choice, parallel };
  if (typeof choice !== 'object' || choice === null || Array.isArray(choice)) {
    throw badValue(
      `Invalid value for \`tool_choice\`: ${choice}! Only named tools, "none", "auto" or "required" are supported.`,
      'tool_choice',
    );
  }
  const named = namedFunction(choice as Record<string, unknown>);
  if (!tools.some(({ name }) => name === named)) {
    throw badValue('The tool specified in `tool_choice` does not match any of the specified `tools`', 'tool_choice');
  }
  return { tools, choice: { named }, parallel };
}

function namedFunction(choice: Readonly<Record<string, unknown>>): string {
  const fn = choice.function;
  if (typeof fn !== 'object' || fn === null) {
    const shown = fn === undefined || fn === null ? 'None' : String(fn);
    throw badValue(`Invalid value for \`function\`: \`${shown}\` in \`tool_choice\`! ${USAGE}`, 'tool_choice.function');
  }
  if (!('name' in fn)) {
    throw badValue(`Expected field \`name\` in \`function\` in \`tool_choice\`! ${USAGE}`, 'tool_choice.function.name');
  }
  if (typeof fn.name === 'string' && fn.name !== '') return fn.name;
  throw badValue(
    `Invalid \`name\` in \`function\`: \`${String(fn.name)}\` in \`tool_choice\`! ${USAGE}`,
    'tool_choice.function.name',
  );
}
