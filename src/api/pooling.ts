import {
  type EmbeddingRequest,
  embed,
  embeddingList,
  type Pair,
  pairTokens,
  poolingList,
  type ReplyHead,
  type RerankRequest,
  readEmbeddingRequest,
  readRerankRequest,
  readScoreRequest,
  relevances,
  rerankBody,
  type ScoreRequest,
  scoreList,
} from '../protocol/index.ts';
import { countedPrompt } from './generation.ts';
import type { CountedPrompt } from './operations.ts';

/** A request whose answer is computed from its prompts alone, and what of it the simulation counts. */
export interface Pooling<Request = unknown> {
  readonly request: Request & { readonly model: string | undefined; readonly priority?: number };
  /** Each occupies the engine as a prompt does. */
  readonly prompts: readonly CountedPrompt[];
}

/** What an answer is made of beside its request. */
export interface PoolingContext {
  readonly head: ReplyHead;
  readonly promptTokens: number;
  readonly seed: number;
  /** The length of the model's own vectors. */
  readonly dimensions: number;
}

/** An operation that generates nothing: how its body is read and its answer is written. */
export interface PoolingOperation<Request = unknown> {
  readonly kind: 'pooling';
  readonly idPrefix: string;
  readonly errors: 'openai';
  /** @throws WireError */
  read(body: unknown): Pooling<Request>;
  answer(request: Request, context: PoolingContext): object;
}

type Listing = (...parts: Parameters<typeof embeddingList>) => object;

function vectors(idPrefix: string, list: Listing): PoolingOperation<EmbeddingRequest> {
  return {
    kind: 'pooling',
    idPrefix,
    errors: 'openai',
    read(body) {
      const request = readEmbeddingRequest(body);
      return { request, prompts: request.inputs.map(countedPrompt) };
    },
    answer({ inputs, encoding, dimensions }, { head, promptTokens, seed, dimensions: all }) {
      const length = dimensions ?? all;
      return list(
        head,
        inputs.map((input) => embed(input, length, all, seed)),
        encoding,
        promptTokens,
      );
    },
  };
}

export const EMBEDDINGS = vectors('embd-', embeddingList);
export const POOLING = vectors('pool-', poolingList);

export const RERANK: PoolingOperation<RerankRequest> = {
  kind: 'pooling',
  idPrefix: 'rerank-',
  errors: 'openai',
  read(body) {
    const request = readRerankRequest(body);
    return { request, prompts: countedPairs(pairsOf(request)) };
  },
  answer(request, { head, promptTokens, seed }) {
    return rerankBody(head, request, relevances(pairsOf(request), seed), promptTokens);
  },
};

export const SCORE: PoolingOperation<ScoreRequest> = {
  kind: 'pooling',
  idPrefix: 'embd-',
  errors: 'openai',
  read(body) {
    const request = readScoreRequest(body);
    return { request, prompts: countedPairs(request.pairs) };
  },
  answer({ pairs }, { head, promptTokens, seed }) {
    return scoreList(head, relevances(pairs, seed), promptTokens);
  },
};

function countedPairs(pairs: readonly Pair[]): CountedPrompt[] {
  const tokens = pairTokens(pairs);
  return pairs.map(([one, other], at) => ({ tokens: tokens[at]!, shared: `${one}\n${other}` }));
}

function pairsOf({ query, documents }: RerankRequest): Pair[] {
  return documents.map((document) => [query, document]);
}
