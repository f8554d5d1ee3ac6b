import type { Conversation, Prompting } from './chat-request.ts';
import type { WireFields } from './errors.ts';
import { badValue } from './errors.ts';
import { FieldReader } from './field-reader.ts';
import type { ChatMessage } from './message-content.ts';
import { readSampling } from './sampling-request.ts';
import { readFunction, type Tool, type ToolUse } from './tool-request.ts';

/** What the messages say and may call, which is all that counting their tokens needs. */
export type CountedMessages = Prompting & { readonly model: string | undefined };

/** Roles that some clients send, as vLLM reads them (anthropic/protocol.py, normalize_role). */
const ROLES = new Map([
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['system', 'system'],
  ['ctx', 'user'],
  ['msg', 'user'],
]);

/**
 * Reads the body of `POST /v1/messages`, as vLLM serves it (anthropic/protocol.py). `thinking` and other fields that
 * vLLM does not know are ignored; thinking in earlier turns is left out of the prompt.
 * @throws WireError 400, "Bad Request" for missing or mistyped fields, "BadRequestError" for values out of rule.
 */
export function readMessagesRequest(body: unknown): Conversation {
  const fields = new FieldReader(body);
  const read = readTurns(fields);
  const maxTokens = fields.required('max_tokens', fields.integer('max_tokens'));
  if (maxTokens !== undefined && maxTokens <= 0) {
    fields.mismatch('max_tokens', 'value_error', 'Value error, max_tokens must be positive');
  }
  // vLLM reads the stop strings from `stop_sequences` and always asks its chat for the usage.
  const sampling = readSampling(fields, { maxTokens, logprobs: undefined, stop: 'stop_sequences' });
  return { ...sampling, n: 1, ...finish(fields, read) };
}

/** Reads the body of `POST /v1/messages/count_tokens`; count it with `conversationTokens`. */
export function readCountTokensRequest(body: unknown): CountedMessages {
  const fields = new FieldReader(body);
  const read = readTurns(fields);
  const model = fields.text('model');
  fields.finish();
  return { model, ...finish(fields, read) };
}

interface Turns {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly Tool[] | undefined;
  readonly choice: FieldReader | undefined;
}

function readTurns(fields: FieldReader): Turns {
  if (fields.required('model', fields.text('model')) === '') {
    fields.mismatch('model', 'value_error', 'Value error, Model is required');
  }
  const system = readBlocks(fields, 'system', 'system');
  const turns = fields.required('messages', fields.objects('messages'))?.flatMap(readTurn) ?? [];
  const tools = fields.objects('tools')?.map((tool) => {
    tool.required('input_schema', tool.fields('input_schema'));
    return readFunction(tool, 'input_schema');
  });
  const choice = fields.object('tool_choice');
  choice?.required('type', choice.text('type'));
  return { messages: [...system, ...turns], tools, choice };
}

function readTurn(turn: FieldReader): ChatMessage[] {
  const given = turn.required('role', turn.text('role'));
  const role = given === undefined ? '' : ROLES.get(given);
  if (role === undefined) turn.mismatch('role', 'literal_error', "Input should be 'user', 'assistant' or 'system'");
  turn.required('content', turn.raw('content'));
  return readBlocks(turn, 'content', role ?? '');
}

/** A text, or blocks: those of one role make a message, and a tool's result one of its own. */
function readBlocks(from: FieldReader, name: string, role: string): ChatMessage[] {
  const content = from.raw(name);
  if (content === undefined) return [];
  if (typeof content === 'string') return [{ role, text: content }];
  const messages: { role: string; texts: string[] }[] = [];
  for (const block of from.objects(name) ?? []) {
    const type = block.required('type', block.text('type'));
    if (type === 'image')
      throw badValue('A content part of type "image" is not supported by this endpoint.', 'messages');
    const text = readBlock(block, type);
    if (text === undefined) continue;
    const speaker = type === 'tool_result' ? 'tool' : role;
    if (messages.at(-1)?.role !== speaker) messages.push({ role: speaker, texts: [] });
    messages.at(-1)?.texts.push(text);
  }
  return messages.map(({ role: speaker, texts }) => ({ role: speaker, text: texts.join('\n') }));
}

function readBlock(block: FieldReader, type: string | undefined): string | undefined {
  switch (type) {
    case 'text':
      return block.text('text') ?? '';
    case 'tool_use':
      return `${block.text('name') ?? ''}(${JSON.stringify(block.fields('input') ?? {})})`;
    case 'tool_result':
      return readBlocks(block, 'content', 'tool')
        .map(({ text }) => text)
        .join('\n');
    case 'tool_reference':
      return block.text('tool_name') ?? '';
    case 'thinking':
    case 'redacted_thinking':
    case undefined:
      return undefined;
    default:
      block.mismatch('type', 'literal_error', "Input should be 'text', 'image', 'tool_use' or 'tool_result'");
      return undefined;
  }
}

/** What the choice of tools comes to: Anthropic's `any` is OpenAI's `required`. Types have been checked. */
function finish(fields: FieldReader, { messages, tools, choice }: Turns): Prompting {
  if (messages.length === 0) throw badValue('`messages` must not be an empty array.', 'messages');
  return { messages, toolUse: toolUse(fields, tools ?? [], choice) };
}

function toolUse(fields: FieldReader, tools: readonly Tool[], choice: FieldReader | undefined): ToolUse | undefined {
  const type = choice?.raw('type') ?? 'auto';
  if (type === 'none' || (choice === undefined && tools.length === 0)) return undefined;
  if (tools.length === 0) throw badValue('When using `tool_choice`, `tools` must be set.', 'tool_choice');
  const parallel = choice?.raw('disable_parallel_tool_use') !== true;
  if (type === 'auto') return { tools, choice: 'auto', parallel };
  if (type === 'any') return { tools, choice: 'required', parallel };
  if (type !== 'tool') {
    choice?.mismatch('type', 'literal_error', "Input should be 'auto', 'any', 'tool' or 'none'");
    fields.finish();
  }
  const named = choice?.raw('name');
  if (typeof named !== 'string' || named === '') {
    choice?.mismatch('name', 'value_error', "Value error, tool_choice.name is required when type is 'tool'");
    fields.finish();
  }
  if (!tools.some(({ name }) => name === named)) {
    throw badValue('The tool specified in `tool_choice` does not match any of the specified `tools`', 'tool_choice');
  }
  return { tools, choice: { named: named as string }, parallel };
}

/** Anthropic's error body. vLLM keeps its own names of types in it (anthropic/api_router.py). */
export function anthropicError({ type, message }: Pick<WireFields, 'type' | 'message'>) {
  return { type: 'error', error: { type, message } } as const;
}

/** The body of the answer to a count. */
export function tokenCount(inputTokens: number) {
  return { input_tokens: inputTokens };
}
