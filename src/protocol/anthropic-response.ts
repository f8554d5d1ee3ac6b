import { type Answer, answerCalls, answerText, type TokenPiece } from './answer.ts';
import { type AnswerContext, type StreamWriter, wholeUsage } from './answer-context.ts';
import { anthropicError } from './anthropic-messages.ts';
import type { TokenUsage } from './openai-response.ts';
import { SSE_DONE, sseEvent } from './sse.ts';

/** Anthropic's names for how an answer ended (anthropic/serving.py, stop_reason_map). */
const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const;

/** The body of a message that is not streamed (anthropic/protocol.py, AnthropicMessagesResponse). */
export function messageBody(context: AnswerContext) {
  const answer = context.answers[0] as Answer;
  const text = answerText(answer);
  const calls = answerCalls(answer).map((call) => ({
    type: 'tool_use',
    id: call.id,
    name: call.name,
    input: parsedInput(call.arguments),
  }));
  return {
    ...opening(context),
    content: [...(text === '' && calls.length > 0 ? [] : [{ type: 'text', text }]), ...calls],
    ...ending(answer),
    usage: usage(wholeUsage(context)),
  };
}

function opening({ head: { id, model } }: AnswerContext) {
  return { id, type: 'message', role: 'assistant', content: [] as object[], model };
}

/** Anthropic names the stop sequence; the vLLM that was read says `end_turn` for it as well. */
function ending({ finishReason, stopString }: Answer) {
  const reason = stopString === null ? STOP_REASONS[finishReason] : 'stop_sequence';
  return { stop_reason: reason, stop_sequence: stopString };
}

function usage({ promptTokens, completionTokens, cachedTokens }: TokenUsage) {
  const counts = { input_tokens: promptTokens, output_tokens: completionTokens };
  return cachedTokens === undefined ? counts : { ...counts, cache_read_input_tokens: cachedTokens };
}

/** Arguments that were cut are no JSON, and a block has no place for half of one. */
function parsedInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/**
 * A message as a stream: `message_start`, then blocks of text or of a tool's input, then how it ended
 * (anthropic/serving.py, message_stream_converter; docs.anthropic.com, "Streaming messages"). The `ping` after a first
 * block's start is Anthropic's; the `[DONE]` at the end is vLLM's.
 */
export function messageWriter(context: AnswerContext): StreamWriter {
  const answer = context.answers[0] as Answer;
  let block = -1;
  let open: TokenPiece['kind'] | undefined;
  const closeBlock = (): string => {
    if (open === undefined) return '';
    open = undefined;
    return sseEvent({ type: 'content_block_stop', index: block });
  };
  const openBlock = (kind: TokenPiece['kind'], content: object): string => {
    const before = closeBlock();
    block++;
    open = kind;
    const start = sseEvent({ type: 'content_block_start', index: block, content_block: content });
    return before + start + (block === 0 ? sseEvent({ type: 'ping' }) : '');
  };
  const delta = (part: object): string => sseEvent({ type: 'content_block_delta', index: block, delta: part });
  return {
    open() {
      const message = { ...opening(context), stop_reason: null, stop_sequence: null };
      const before = usage({ ...wholeUsage(context), completionTokens: 0 });
      return sseEvent({ type: 'message_start', message: { ...message, usage: before } });
    },
    token(_choice, k) {
      const piece = answer.pieces[k] as TokenPiece;
      if (piece.kind === 'call') {
        return openBlock('call', { type: 'tool_use', id: piece.id, name: piece.name, input: {} });
      }
      if (piece.text === '') return '';
      if (piece.kind === 'arguments') return delta({ type: 'input_json_delta', partial_json: piece.text });
      const start = open === 'text' ? '' : openBlock('text', { type: 'text', text: '' });
      return start + delta({ type: 'text_delta', text: piece.text });
    },
    close() {
      const told = sseEvent({ type: 'message_delta', delta: ending(answer), usage: usage(wholeUsage(context)) });
      return closeBlock() + told + sseEvent({ type: 'message_stop' }) + SSE_DONE;
    },
    fail: (error) => sseEvent(anthropicError({ ...error, type: 'internal_error' })) + SSE_DONE,
  };
}
