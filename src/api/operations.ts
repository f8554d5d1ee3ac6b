import { badRequest, WireError } from '../protocol/index.ts';
import { CHAT, COMPLETION, type Generation, type GenerationOperation, MESSAGES, RESPONSES } from './generation.ts';
import { EMBEDDINGS, POOLING, type Pooling, type PoolingOperation, RERANK, SCORE } from './pooling.ts';
import { COUNT_TOKENS, DETOKENIZE, type Question, TOKENIZE } from './questions.ts';

/** What the simulation needs of a prompt. */
export interface CountedPrompt {
  readonly tokens: number;
  /** What prefix caches share of it: its text, or token ids as text. */
  readonly shared: string;
}

/** What a client can ask with a body. A request that was read may cross threads: it is data. */
export type Operation = GenerationOperation | PoolingOperation | Question;
export type ReadRequest = Generation | Pooling | ReturnType<Question['read']>;

/** A body read, or why it cannot be. */
export type ReadBody = ReadRequest | WireError;

/** Sequences that one request may ask an engine for. vLLM has bounds for some of its ways; the number is ours. */
const SEQUENCES_MAX = 2_048;

/** By the path that follows the service, or the pod's address. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['/v1/chat/completions', CHAT],
  ['/v1/completions', COMPLETION],
  ['/v1/messages', MESSAGES],
  ['/v1/responses', RESPONSES],
  ['/v1/embeddings', erased(EMBEDDINGS)],
  ['/pooling', erased(POOLING)],
  ['/rerank', erased(RERANK)],
  ['/v1/rerank', erased(RERANK)],
  ['/v2/rerank', erased(RERANK)],
  ['/score', erased(SCORE)],
  ['/v1/score', erased(SCORE)],
  ['/tokenize', erased(TOKENIZE)],
  ['/detokenize', erased(DETOKENIZE)],
  ['/v1/messages/count_tokens', erased(COUNT_TOKENS)],
]);

/** An operation is only ever handed what it has read itself; of what kind that is, the table need not know. */
function erased<Request>(operation: PoolingOperation<Request> | Question<Request>): Operation {
  return operation as unknown as Operation;
}

export function readBody(operation: Operation, body: string): ReadBody {
  try {
    const read = operation.read(parseJson(body));
    checkSequences(read);
    return read;
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
}

function checkSequences(read: ReadRequest): void {
  if (!('prompts' in read)) return;
  const { n = 1 } = read.request as Partial<Generation['request']>;
  const sequences = read.prompts.length * n;
  if (sequences > SEQUENCES_MAX) {
    throw badRequest(`A request may ask for at most ${SEQUENCES_MAX} sequences; this asks for ${sequences}.`);
  }
}

function parseJson(text: string): unknown {
  try {
    // A byte order mark is no part of the text (RFC 8259 lets a reader ignore it).
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WireError({ message: `The body is not JSON: ${reason}`, type: 'Bad Request', param: null, code: 400 });
  }
}
