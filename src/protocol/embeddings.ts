import { counted } from '../kernel/index.ts';
import { badValue, type WireError } from './errors.ts';
import { FieldReader } from './field-reader.ts';
import { readContent } from './message-content.ts';
import { fullUsage, type ReplyHead } from './openai-response.ts';
import { type Prompt, readPrompts } from './prompts.ts';
import { tokenId, tokenPieces } from './token-text.ts';

export interface EmbeddingRequest {
  readonly model: string | undefined;
  readonly inputs: readonly Prompt[];
  readonly encoding: 'float' | 'base64';
  /** Undefined: as many as the model has. */
  readonly dimensions: number | undefined;
  readonly priority: number;
}

/**
 * Reads the body of `POST /v1/embeddings` or `/pooling`: `input` as text, texts or token ids, or `messages`
 * (pooling/embed/protocol.py).
 * @throws WireError 400
 */
export function readEmbeddingRequest(body: unknown): EmbeddingRequest {
  const fields = new FieldReader(body);
  const messages = fields.objects('messages');
  const inputs =
    messages === undefined
      ? (fields.required('input', readPrompts(fields, 'input')) ?? [])
      : [messages.map((message) => readContent(message, 'content')).join('\n')];
  const encoding = fields.text('encoding_format') ?? 'float';
  if (encoding !== 'float' && encoding !== 'base64') {
    fields.mismatch('encoding_format', 'literal_error', "Input should be 'float' or 'base64'");
  }
  const dimensions = fields.integer('dimensions');
  const request = {
    model: fields.text('model'),
    inputs,
    encoding: encoding as 'float' | 'base64',
    dimensions,
    priority: fields.integer('priority') ?? 0,
  };
  fields.finish();
  if (inputs.length === 0) throw badValue('`input` must not be an empty array.', 'input');
  return request;
}

/**
 * The refusal of a length that the model's vectors do not have; undefined where they do. vLLM asks for a Matryoshka model
 * and lets it say which lengths it has; here any length up to the model's own goes.
 */
export function wrongDimensions(
  { dimensions }: Partial<Pick<EmbeddingRequest, 'dimensions'>>,
  modelDimensions: number,
): WireError | undefined {
  if (dimensions === undefined || (dimensions >= 1 && dimensions <= modelDimensions)) return undefined;
  return badValue(`dimensions must be between 1 and ${modelDimensions}, got ${dimensions}.`, 'dimensions', dimensions);
}

/** In how many coordinates a token shows. */
const COORDINATES_PER_TOKEN = 8;
const NOISE = 0.02;

/**
 * A vector of length 1 that is a function of seed and text, and alike for texts that share tokens: each token moves a
 * few coordinates, on a ground of noise. A shorter vector is the beginning of the longer, scaled again, as in a
 * Matryoshka model.
 */
export function embed(input: Prompt, dimensions: number, modelDimensions: number, seed: number): number[] {
  const vector = new Float64Array(modelDimensions);
  const tokens =
    typeof input === 'string' ? tokenPieces(input).map((piece) => tokenId(piece.trim().toLowerCase())) : input;
  let mixed = 0;
  for (const token of tokens) {
    mixed = (Math.imul(mixed, 31) + token) | 0;
    for (let n = 0; n < COORDINATES_PER_TOKEN; n++) {
      const at = Math.floor(counted(seed, token, 2 * n) * modelDimensions);
      vector[at]! += counted(seed, token, 2 * n + 1) < 0.5 ? -1 : 1;
    }
  }
  const scale = NOISE * Math.max(1, Math.sqrt(tokens.length));
  const cut = Array.from(
    vector.subarray(0, dimensions),
    (value, at) => value + scale * (counted(seed, mixed, at) - 0.5),
  );
  const length = Math.hypot(...cut) || 1;
  return cut.map((value) => Math.fround(value / length));
}

/** Vectors as OpenAI sends them where base64 was asked for: 32-bit floats, little end first. */
export function vectorBase64(vector: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [at, value] of vector.entries()) view.setFloat32(at * 4, value, true);
  let bytes = '';
  for (let at = 0; at < view.byteLength; at++) bytes += String.fromCharCode(view.getUint8(at));
  return btoa(bytes);
}

/** The body of an answer to `/v1/embeddings`; ids begin with `embd-`. */
export function embeddingList(
  head: ReplyHead,
  vectors: readonly (readonly number[])[],
  encoding: EmbeddingRequest['encoding'],
  promptTokens: number,
) {
  const data = vectors.map((vector, index) => ({ index, object: 'embedding', embedding: encoded(vector, encoding) }));
  return vectorList(head, promptTokens, data);
}

/** The body of an answer to `/pooling`; ids begin with `pool-` (pooling/pooling/protocol.py). */
export function poolingList(
  head: ReplyHead,
  vectors: readonly (readonly number[])[],
  encoding: EmbeddingRequest['encoding'],
  promptTokens: number,
) {
  const data = vectors.map((vector, index) => ({ index, object: 'pooling', data: encoded(vector, encoding) }));
  return vectorList(head, promptTokens, data);
}

function encoded(vector: readonly number[], encoding: EmbeddingRequest['encoding']): string | readonly number[] {
  return encoding === 'base64' ? vectorBase64(vector) : vector;
}

function vectorList<Item extends object>({ id, created, model }: ReplyHead, promptTokens: number, data: Item[]) {
  return { id, object: 'list', created, model, data, usage: fullUsage({ promptTokens, completionTokens: 0 }) };
}
