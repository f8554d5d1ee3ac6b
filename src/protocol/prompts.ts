import type { FieldReader } from './field-reader.ts';

/** A prompt: text, or token ids. */
export type Prompt = string | readonly number[];

function isListOf<T>(is: (value: unknown) => value is T, value: unknown): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTokenId = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
const isTokenIds = (value: unknown): value is readonly number[] => isListOf(isTokenId, value);

/** A text, texts, token ids, or lists of token ids, as prompts and embedding inputs are given. */
export function readPrompts(fields: FieldReader, name: string): readonly Prompt[] {
  const prompt: unknown = fields.raw(name) ?? [];
  if (Array.isArray(prompt) && prompt.length === 0) return [];
  if (isText(prompt) || isTokenIds(prompt)) return [prompt];
  if (isListOf(isText, prompt) || isListOf(isTokenIds, prompt)) return prompt;
  fields.mismatch(name, 'string_type', 'Input should be a valid string, list of strings or list of token ids');
  return [];
}
