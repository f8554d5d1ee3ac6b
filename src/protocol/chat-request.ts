import { badRequest, badValue } from './errors.ts';
import { FieldReader } from './field-reader.ts';
import type { ChatMessage } from './message-content.ts';
import { readContent } from './message-content.ts';
import { readSampling, type SamplingRequest } from './sampling-request.ts';
import { countChatTokens, countTokens } from './tokens.ts';
import { chatToolUse, readChatTools, type ToolUse } from './tool-request.ts';

/** A conversation to be answered, whichever dialect it came in: what decides an answer's length, form and content. */
export interface Conversation extends SamplingRequest {
  readonly messages: readonly ChatMessage[];
  /** Undefined where no tool may be called. */
  readonly toolUse: ToolUse | undefined;
}

/**
 * Reads the body of `POST /v1/chat/completions` by vLLM's rules, all of them (chat_completion/protocol.py).
 * @throws WireError 400, "Bad Request" for missing or mistyped fields, "BadRequestError" for values out of rule.
 */
export function readChatRequest(body: unknown): Conversation {
  const fields = new FieldReader(body);
  const messages = fields.required('messages', fields.objects('messages'))?.map(readMessage) ?? [];
  const tools = readChatTools(fields);
  fields.boolean('parallel_tool_calls');
  const continues = fields.boolean('continue_final_message') ?? false;
  const prompts = fields.boolean('add_generation_prompt') ?? false;
  const asked = fields.boolean('logprobs') ?? false;
  const top = fields.integer('top_logprobs') ?? 0;
  const request = readSampling(fields, {
    maxTokens: fields.integer('max_completion_tokens') ?? fields.integer('max_tokens'),
    logprobs: asked && top >= -1 ? top : undefined,
  });
  checkTopLogprobs(top, asked);
  if (messages.length === 0) throw badValue('`messages` must not be an empty array.', 'messages');
  if (continues && prompts) {
    throw badRequest('Cannot set both `continue_final_message` and `add_generation_prompt` to True.');
  }
  // Added to it: a copy of all that may be asked for would cost as much as reading it.
  return Object.assign(request, { messages, toolUse: chatToolUse(fields, tools) });
}

function checkTopLogprobs(top: number, asked: boolean): void {
  if (top < -1) throw badValue('`top_logprobs` must be a positive value or -1.', 'top_logprobs', top);
  if (top !== 0 && !asked) {
    throw badValue('when using `top_logprobs`, `logprobs` must be set to true.', 'top_logprobs');
  }
}

function readMessage(message: FieldReader): ChatMessage {
  const role = message.required('role', message.text('role')) ?? '';
  const calls = message.objects('tool_calls')?.map(readCall) ?? [];
  return { role, text: [readContent(message, 'content'), ...calls].filter((text) => text !== '').join('\n') };
}

/** A call that the model made earlier, as a chat template writes it back. */
function readCall(call: FieldReader): string {
  const fn = call.object('function');
  call.required('function', fn);
  return `${fn?.required('name', fn.text('name')) ?? ''}(${fn?.text('arguments') ?? ''})`;
}

/** What of a conversation makes its prompt. */
export type Prompting = Pick<Conversation, 'messages' | 'toolUse'>;

/** The tools as a chat template writes them before the conversation. */
function toolText({ toolUse }: Prompting): string {
  return toolUse === undefined ? '' : JSON.stringify(toolUse.tools);
}

/** How many tokens the prompt counts: the conversation with its template, and the tools. */
export function conversationTokens(conversation: Prompting): number {
  return countChatTokens(conversation.messages) + countTokens(toolText(conversation));
}

/** The prompt's text, which prefix caches share. */
export function conversationText(conversation: Prompting): string {
  const turns = conversation.messages.map(({ role, text }) => `${role} ${text}`);
  return [toolText(conversation), ...turns].filter((text) => text !== '').join(' ');
}

/** The message that an answer goes on with, where the assistant spoke last: what `echo` puts before the answer. */
export function continuedText({ messages }: Prompting): string {
  const last = messages.at(-1);
  return last?.role === 'assistant' ? last.text : '';
}
