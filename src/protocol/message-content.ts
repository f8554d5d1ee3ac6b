import { badValue } from './errors.ts';
import type { FieldReader } from './field-reader.ts';

export interface ChatMessage {
  readonly role: string;
  /** The message's text parts, joined by line ends as vLLM hands them to a chat template. */
  readonly text: string;
}

/** The field that holds the text of a content part, by the part's type. */
const TEXT_PARTS = new Map<unknown, string>([
  [undefined, 'text'],
  ['text', 'text'],
  ['input_text', 'text'],
  ['output_text', 'text'],
  ['refusal', 'refusal'],
  ['thinking', 'thinking'],
]);

/**
 * The text of a message's content: a text, or parts joined by line ends, as vLLM hands them to a chat template
 * (entrypoints/chat_utils.py). Media are refused: this endpoint has no use for them.
 */
export function readContent(message: FieldReader, name: string): string {
  const content = message.raw(name);
  if (content === undefined || typeof content === 'string') return content ?? '';
  if (!Array.isArray(content)) {
    message.mismatch(name, 'string_type', 'Input should be a valid string');
    return '';
  }
  return content.map((part) => readPart(message, name, part)).join('\n');
}

function readPart(message: FieldReader, name: string, part: unknown): string {
  if (typeof part === 'string') return part;
  const { type, ...rest } = (part ?? {}) as Record<string, unknown>;
  const field = TEXT_PARTS.get(type);
  if (field === undefined) {
    throw badValue(`A content part of type ${JSON.stringify(type)} is not supported by this endpoint.`, 'messages');
  }
  const text = rest[field];
  if (typeof text === 'string') return text;
  message.mismatch(name, 'string_type', `Input should have a valid string in "${field}"`);
  return '';
}
