import { type Answer, answerCalls, answerText, type TokenPiece } from './answer.ts';
import { type AnswerContext, pieceText, placeOf, type StreamWriter, usageSoFar, wholeUsage } from './answer-context.ts';
import { openaiError, type WireFields } from './errors.ts';
import { chatLogprobs, promptLogprobs } from './logprobs.ts';
import { chatUsageChunk, envelope, fullUsage, usageObject } from './openai-response.ts';
import { SSE_DONE, sseData, sseRest, sseStart } from './sse.ts';
import { tokenPieces } from './token-text.ts';

/** The body of a chat completion that is not streamed (chat_completion/protocol.py, ChatCompletionResponse). */
export function chatBody(context: AnswerContext) {
  const { head, request, answers, promptTexts, seed } = context;
  return {
    id: head.id,
    object: 'chat.completion',
    created: head.created,
    model: head.model,
    choices: answers.map((answer, index) => ({
      index,
      message: chatMessage(answer, echoed(context)),
      logprobs: logprobsOf(context, index, 0, answer.pieces),
      finish_reason: answer.finishReason,
      stop_reason: answer.stopString,
      token_ids: null,
    })),
    service_tier: null,
    system_fingerprint: null,
    usage: fullUsage(wholeUsage(context)),
    prompt_logprobs:
      request.promptLogprobs === undefined
        ? null
        : promptLogprobs(tokenPieces(promptTexts.join('')), request.promptLogprobs, seed),
    prompt_token_ids: null,
    kv_transfer_params: context.kvTransferParams ?? null,
  };
}

/** A message without calls has no key for them; one that only calls has no content unless a call was forced. */
function chatMessage(answer: Answer, before: string) {
  const calls = answerCalls(answer).map(({ id, name, arguments: text }) => {
    return { id, type: 'function', function: { name, arguments: text } };
  });
  const content = before + answerText(answer);
  return {
    role: 'assistant',
    content: calls.length > 0 && answer.finishReason === 'tool_calls' && content === '' ? null : content,
    refusal: null,
    annotations: null,
    audio: null,
    function_call: null,
    // Left out of JSON where it is undefined.
    tool_calls: calls.length === 0 ? undefined : calls,
    reasoning: null,
  };
}

function echoed({ request, continued = '' }: AnswerContext): string {
  return request.echo ? continued : '';
}

function logprobsOf({ request, seed }: AnswerContext, choice: number, k: number, pieces: readonly TokenPiece[]) {
  if (request.logprobs === undefined) return null;
  return chatLogprobs(pieces.map(pieceText), request.logprobs, seed, placeOf(choice, k));
}

/** A chat completion as a stream. What vLLM leaves unset stays out of a chunk (exclude_unset). */
export function chatWriter(context: AnswerContext): StreamWriter {
  const { head, request, answers } = context;
  const start = sseStart(envelope(head, 'chat.completion.chunk'));
  const chunk = (choice: object, tokens: number): string => {
    const usage = usageSoFar(context, tokens);
    return start + sseRest({ choices: [choice], usage: usage && usageObject(usage) });
  };
  const before = echoed(context);
  const allAlike = request.logprobs === undefined && !request.continuousUsage;
  // Of most tokens nothing but the text is new: what stands around it is written once a choice.
  const frames: Frame[] = [];
  return {
    open() {
      let events = '';
      for (let index = 0; index < answers.length; index++) {
        events += chunk({ index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }, 0);
      }
      if (before === '') return events;
      for (let index = 0; index < answers.length; index++) {
        events += chunk({ index, delta: { content: before }, logprobs: null, finish_reason: null }, 0);
      }
      return events;
    },
    token(index, k) {
      const { pieces, finishReason, stopString } = answers[index] as Answer;
      const piece = pieces[k] as TokenPiece;
      const isLast = k === pieces.length - 1;
      if (allAlike && piece.kind === 'text' && !isLast) {
        frames[index] ??= frameOf(index);
        const { before, after } = frames[index]!;
        return start + before + JSON.stringify(piece.text) + after;
      }
      const told = {
        index,
        delta: delta(piece),
        logprobs: logprobsOf(context, index, k, [piece]),
        finish_reason: isLast ? finishReason : null,
        token_ids: null,
        // Left out of JSON where it is undefined.
        stop_reason: isLast ? stopString : undefined,
      };
      return chunk(told, k + 1);
    },
    close() {
      return (request.includeUsage ? sseData(chatUsageChunk(head, wholeUsage(context))) : '') + SSE_DONE;
    },
    fail: (error: WireFields) => sseData(openaiError(error)) + SSE_DONE,
  };
}

/** What stands in an event around a token's text. */
interface Frame {
  readonly before: string;
  readonly after: string;
}

function frameOf(index: number): Frame {
  const told = { index, delta: { content: '' }, logprobs: null, finish_reason: null, token_ids: null };
  const [before = '', after = ''] = sseRest({ choices: [told] }).split('""');
  return { before, after };
}

/** A call opens with its name, and its arguments follow in pieces (generate/base/protocol.py, DeltaToolCall). */
function delta(piece: TokenPiece) {
  switch (piece.kind) {
    case 'text':
      return { content: piece.text };
    case 'call': {
      const { call, id, name } = piece;
      return { tool_calls: [{ id, type: 'function', index: call, function: { name, arguments: '' } }] };
    }
    case 'arguments':
      return { tool_calls: [{ index: piece.call, function: { arguments: piece.text } }] };
  }
}
