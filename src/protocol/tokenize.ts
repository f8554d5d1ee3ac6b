import { badRequest } from './errors.ts';
import { FieldReader } from './field-reader.ts';
import { readContent } from './message-content.ts';
import { tokenId, tokenPieces } from './token-text.ts';

export interface TokenizeRequest {
  readonly model: string | undefined;
  /** The texts of the tokens. */
  readonly pieces: readonly string[];
  readonly withTexts: boolean;
}

/** A chat template's marks: as many as `countChatTokens` counts, four a message and three to prime the reply. */
const TURN_OPENS = '<|im_start|>';
const TURN_ENDS = '<|im_end|>';
const TURN_LINE = '\n';
const REPLY_OPENS = [TURN_OPENS, 'assistant', TURN_LINE];

/**
 * Reads the body of `POST /tokenize`: a prompt or messages (serve/tokenize/protocol.py).
 * @throws WireError 400
 */
export function readTokenizeRequest(body: unknown): TokenizeRequest {
  const fields = new FieldReader(body);
  const messages = fields.objects('messages');
  const pieces =
    messages === undefined
      ? tokenPieces(fields.required('prompt', fields.text('prompt')) ?? '')
      : [...messages.flatMap(turnPieces), ...REPLY_OPENS];
  const continues = fields.boolean('continue_final_message') ?? false;
  const prompts = fields.boolean('add_generation_prompt') ?? false;
  const request = {
    model: fields.text('model'),
    pieces,
    withTexts: fields.boolean('return_token_strs') ?? false,
  };
  fields.finish();
  if (continues && prompts) {
    throw badRequest('Cannot set both `continue_final_message` and `add_generation_prompt` to True.');
  }
  return request;
}

function turnPieces(message: FieldReader): string[] {
  const role = message.required('role', message.text('role')) ?? '';
  return [TURN_OPENS, role, TURN_LINE, ...tokenPieces(readContent(message, 'content')), TURN_ENDS];
}

/** The body of the answer. A token's number is a hash of its text: equal texts, equal numbers, and no way back. */
export function tokenizeBody({ pieces, withTexts }: TokenizeRequest, maxModelLen: number) {
  return {
    count: pieces.length,
    max_model_len: maxModelLen,
    tokens: pieces.map(tokenId),
    token_strs: withTexts ? pieces : null,
  };
}

export interface DetokenizeRequest {
  readonly model: string | undefined;
  readonly tokens: readonly number[];
}

/**
 * Reads the body of `POST /detokenize`.
 * @throws WireError 400
 */
export function readDetokenizeRequest(body: unknown): DetokenizeRequest {
  const fields = new FieldReader(body);
  const tokens = fields.required('tokens', fields.list('tokens')) ?? [];
  if (!tokens.every((token) => Number.isInteger(token))) {
    fields.mismatch('tokens', 'int_type', 'Input should be a valid integer');
  } else if (tokens.some((token) => (token as number) < 0)) {
    fields.mismatch('tokens', 'greater_than_equal', 'Input should be greater than or equal to 0');
  }
  const model = fields.text('model');
  fields.finish();
  return { model, tokens: tokens as readonly number[] };
}

/**
 * The body of the answer: a word for each number, so that the text counts as many tokens. It is not the text that
 * `/tokenize` made the numbers of: no vocabulary is at hand that could tell.
 * @param words those of one token each; see `replyPieces`
 */
export function detokenizeBody({ tokens }: DetokenizeRequest, words: readonly string[]) {
  return { prompt: idsText(tokens, words) };
}

/** Token ids as a text that counts as many tokens. */
export function idsText(ids: readonly number[], words: readonly string[]): string {
  const usable = words.filter((word) => /^[A-Za-z]{1,8}$/.test(word));
  return ids.map((id, at) => `${at === 0 ? '' : ' '}${usable[id % usable.length] ?? 'token'}`).join('');
}
