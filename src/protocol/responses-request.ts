import type { Conversation } from './chat-request.ts';
import { badRequest, badValue, WireError } from './errors.ts';
import { FieldReader } from './field-reader.ts';
import { nestsTooDeep } from './json-nesting.ts';
import type { ChatMessage } from './message-content.ts';
import { readContent } from './message-content.ts';
import { readSampling } from './sampling-request.ts';
import { ANY_OBJECT, type Structure } from './structured-output.ts';
import { readFunction, type Tool, type ToolUse } from './tool-request.ts';

/** A request for a response; what of it the answer's body repeats. */
export interface ResponsesRequest extends Conversation {
  readonly repeated: Readonly<Record<string, unknown>>;
}

/** The fields of a request that a response states again, with what they are when absent. */
const REPEATED: Readonly<Record<string, unknown>> = {
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: null,
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt: null,
  reasoning: null,
  service_tier: 'auto',
  temperature: 1,
  text: null,
  tool_choice: 'auto',
  tools: [],
  top_logprobs: null,
  top_p: 1,
  truncation: 'disabled',
  user: null,
};

/**
 * Reads the body of `POST /v1/responses` (openai/responses/protocol.py; platform.openai.com, "Create a model response").
 * Nothing is stored, as vLLM does by default: a previous response is not found, and none can run in the background.
 * @throws WireError 400 as `readChatRequest` does, 404 for a previous response.
 */
export function readResponsesRequest(body: unknown): ResponsesRequest {
  const fields = new FieldReader(body);
  const instructions = fields.text('instructions');
  const input = readInput(fields);
  const tools = readTools(fields);
  const format = readTextFormat(fields);
  const sampling = readSampling(fields, { maxTokens: fields.integer('max_output_tokens'), logprobs: undefined });
  if (fields.raw('background') === true) {
    throw badValue('`background` is not supported by this endpoint.', 'background');
  }
  const previous = fields.raw('previous_response_id');
  if (previous !== undefined) throw responseNotFound(String(previous));
  if (input.length === 0) throw badValue('`input` must not be empty.', 'input');
  const told = instructions === undefined ? [] : [{ role: 'system', text: instructions }];
  for (const name of Object.keys(REPEATED)) {
    if (nestsTooDeep(fields.raw(name))) throw badValue(`\`${name}\` nests too deep.`, name);
  }
  const repeated = Object.fromEntries(Object.entries(REPEATED).map(([name, none]) => [name, fields.raw(name) ?? none]));
  return {
    ...sampling,
    n: 1,
    messages: [...told, ...input],
    toolUse: toolUse(fields, tools),
    structure: format ?? sampling.structure,
    repeated,
  };
}

/** openai/responses/serving.py, _make_not_found_error. */
function responseNotFound(id: string): WireError {
  const message = `Response with id '${id}' not found.`;
  return new WireError({ message, type: 'invalid_request_error', param: 'response_id', code: 404 });
}

function readInput(fields: FieldReader): ChatMessage[] {
  const input = fields.raw('input');
  if (typeof input === 'string') return input === '' ? [] : [{ role: 'user', text: input }];
  return fields.required('input', fields.objects('input'))?.flatMap(readItem) ?? [];
}

function readItem(item: FieldReader): ChatMessage[] {
  switch (item.raw('type') ?? 'message') {
    case 'message':
      return [{ role: item.required('role', item.text('role')) ?? '', text: readContent(item, 'content') }];
    case 'function_call': {
      const name = item.required('name', item.text('name')) ?? '';
      return [{ role: 'assistant', text: `${name}(${item.text('arguments') ?? ''})` }];
    }
    case 'function_call_output':
      item.required('call_id', item.text('call_id'));
      return [{ role: 'tool', text: readContent(item, 'output') }];
    case 'reasoning':
      return [];
    default:
      throw badRequest(`An input item of type ${JSON.stringify(item.raw('type'))} is not supported by this endpoint.`);
  }
}

/** Here a function's fields stand in the tool itself. Tools that the server would run have no place here. */
function readTools(fields: FieldReader): readonly Tool[] {
  return (
    fields.objects('tools')?.map((tool) => {
      const type = tool.required('type', tool.text('type'));
      if (type !== undefined && type !== 'function') {
        throw badRequest(`A tool of type ${JSON.stringify(type)} is not supported by this endpoint.`, 'tools');
      }
      return readFunction(tool, 'parameters');
    }) ?? []
  );
}

function readTextFormat(fields: FieldReader): Structure | undefined {
  const format = fields.object('text')?.object('format');
  switch (format?.raw('type')) {
    case undefined:
    case 'text':
      return undefined;
    case 'json_object':
      return { kind: 'json', schema: ANY_OBJECT };
    case 'json_schema':
      format?.required('name', format.text('name'));
      return { kind: 'json', schema: format?.required('schema', format.fields('schema')) ?? ANY_OBJECT };
    default:
      format?.mismatch('type', 'literal_error', "Input should be 'text', 'json_object' or 'json_schema'");
      return undefined;
  }
}

function toolUse(fields: FieldReader, tools: readonly Tool[]): ToolUse | undefined {
  const choice = fields.raw('tool_choice') ?? 'auto';
  const parallel = fields.raw('parallel_tool_calls') !== false;
  if (choice === 'none' || (choice === 'auto' && tools.length === 0)) return undefined;
  if (tools.length === 0) throw badValue('When using `tool_choice`, `tools` must be set.', 'tool_choice');
  if (choice === 'auto' || choice === 'required') return { tools, choice, parallel };
  const named = typeof choice === 'object' ? (choice as { name?: unknown }).name : undefined;
  if (typeof named !== 'string') {
    throw badValue(
      `Invalid value for \`tool_choice\`: ${JSON.stringify(choice)}! Only named tools, "none", "auto" or "required" are supported.`,
      'tool_choice',
    );
  }
  if (tools.some(({ name }) => name === named)) return { tools, choice: { named }, parallel };
  throw badValue('The tool specified in `tool_choice` does not match any of the specified `tools`', 'tool_choice');
}
