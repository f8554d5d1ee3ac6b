import { counted } from '../kernel/index.ts';
import { badRequest } from './errors.ts';
import { FieldReader } from './field-reader.ts';
import { fullUsage, type ReplyHead } from './openai-response.ts';
import { tokenId, tokenPieces } from './token-text.ts';
import { countTokens } from './tokens.ts';

export interface RerankRequest {
  readonly model: string | undefined;
  readonly query: string;
  readonly documents: readonly string[];
  /** How many of the best to tell; 0 for all. */
  readonly topN: number;
}

export interface ScoreRequest {
  readonly model: string | undefined;
  /** What is compared with what. */
  readonly pairs: readonly Pair[];
}

export type Pair = readonly [string, string];

/**
 * Reads the body of `POST /rerank`, `/v1/rerank` (Jina) or `/v2/rerank` (Cohere): vLLM takes the same fields at all three
 * (pooling/score/protocol.py, RerankRequest).
 * @throws WireError 400
 */
export function readRerankRequest(body: unknown): RerankRequest {
  const fields = new FieldReader(body);
  const request = {
    model: fields.text('model'),
    query: fields.required('query', fields.text('query')) ?? '',
    documents: fields.required('documents', fields.texts('documents')) ?? [],
    topN: fields.integer('top_n') ?? 0,
  };
  fields.finish();
  if (request.documents.length === 0) throw badRequest('At least one text_pair element must be given');
  return request;
}

/** The names that the two sides of a score have had (ScoreRequest). */
const SIDES = [
  ['text_1', 'text_2'],
  ['queries', 'documents'],
  ['data_1', 'data_2'],
] as const;

/**
 * Reads the body of `POST /score` or `/v1/score`: one against one, one against many, or two lists of one length.
 * @throws WireError 400
 */
export function readScoreRequest(body: unknown): ScoreRequest {
  const fields = new FieldReader(body);
  const [one, other] = SIDES.find((names) => names.some((name) => fields.raw(name) !== undefined)) ?? SIDES[0];
  const left = readSide(fields, one);
  const right = readSide(fields, other);
  const model = fields.text('model');
  fields.finish();
  if (left.length === 0) throw badRequest('At least one text element must be given');
  if (right.length === 0) throw badRequest('At least one text_pair element must be given');
  if (left.length > 1 && left.length !== right.length) {
    throw badRequest('Input lengths must be either 1:1, 1:N or N:N');
  }
  return { model, pairs: right.map((text, at) => [left[left.length === 1 ? 0 : at] as string, text] as const) };
}

function readSide(fields: FieldReader, name: string): readonly string[] {
  const side = fields.raw(name);
  if (typeof side === 'string') return [side];
  return fields.required(name, fields.texts(name)) ?? [];
}

/** What a cross-encoder's template adds to a pair: a mark at the front, between and at the end. */
const TOKENS_PER_PAIR = 3;

/** How many tokens each pair counts. A text is looked at once, however many it is compared with. */
export function pairTokens(pairs: readonly Pair[]): number[] {
  const tokens = once(countTokens);
  return pairs.map(([one, other]) => TOKENS_PER_PAIR + tokens(one) + tokens(other));
}

function once<Value>(of: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, Value>();
  return (text) => {
    const value = known.get(text) ?? of(text);
    known.set(text, value);
    return value;
  };
}

/** How much of a score the shared tokens make; the rest is chance. */
const OVERLAP_WEIGHT = 0.9;

/** How well the texts of each pair go together, in (0, 1): more for those that share tokens. A function of seed and texts. */
export function relevances(pairs: readonly Pair[], seed: number): number[] {
  const names = once(tokenNames);
  const mixed = once(mix);
  return pairs.map(([one, other]) => {
    const left = names(one);
    let shared = 0;
    for (const token of names(other)) if (left.has(token)) shared++;
    const overlap = left.size === 0 ? 0 : shared / left.size;
    const chance = counted(seed, mixed(one), mixed(other));
    return Math.round((OVERLAP_WEIGHT * overlap + (1 - OVERLAP_WEIGHT) * (0.05 + 0.9 * chance)) * 1e6) / 1e6;
  });
}

function tokenNames(text: string): ReadonlySet<string> {
  return new Set(tokenPieces(text).map((piece) => piece.trim().toLowerCase()));
}

function mix(text: string): number {
  return tokenPieces(text).reduce((mixed, piece) => (Math.imul(mixed, 31) + tokenId(piece)) | 0, 0);
}

/** The body of an answer to a rerank: the best first; ids begin with `rerank-` (RerankResponse). */
export function rerankBody(
  { id, model }: ReplyHead,
  request: RerankRequest,
  scores: readonly number[],
  tokens: number,
) {
  const results = request.documents
    .map((text, index) => ({ index, document: { text }, relevance_score: scores[index] as number }))
    .sort((one, other) => other.relevance_score - one.relevance_score || one.index - other.index);
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return { id, model, usage, results: request.topN > 0 ? results.slice(0, request.topN) : results };
}

/** The body of an answer to a score; ids begin with `embd-` (ScoreResponse). */
export function scoreList({ id, created, model }: ReplyHead, scores: readonly number[], promptTokens: number) {
  const data = scores.map((score, index) => ({ index, object: 'score', score }));
  return { id, object: 'list', created, model, data, usage: fullUsage({ promptTokens, completionTokens: 0 }) };
}
