import { type Answer, answerCalls, answerText, type ToolCall } from './answer.ts';
import { type AnswerContext, type StreamWriter, wholeUsage } from './answer-context.ts';
import { openaiError } from './errors.ts';
import { sseData, sseEvent } from './sse.ts';

/** A response's own options beside those of {@link AnswerContext}. */
export interface ResponsesContext extends AnswerContext {
  /** What the response states again of its request; see `readResponsesRequest`. */
  readonly repeated: Readonly<Record<string, unknown>>;
}

/** The body of a response that is not streamed (openai/responses/protocol.py, ResponsesResponse). */
export function responsesBody(context: ResponsesContext) {
  const answer = context.answers[0] as Answer;
  const cut = answer.finishReason === 'length';
  const { promptTokens, completionTokens, cachedTokens = 0 } = wholeUsage(context);
  return {
    ...opening(context),
    status: cut ? 'incomplete' : 'completed',
    incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
    output: outputItems(context, cut ? 'incomplete' : 'completed'),
    usage: {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: cachedTokens },
      output_tokens: completionTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: promptTokens + completionTokens,
    },
  };
}

/** A response before it has said anything. */
function opening({ head: { id, created, model }, repeated }: ResponsesContext) {
  return {
    id,
    object: 'response',
    created_at: created,
    model,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null as { reason: string } | null,
    ...repeated,
    output: [] as object[],
    usage: null as object | null,
  };
}

type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

function outputItems(context: ResponsesContext, status: ItemStatus): object[] {
  const answer = context.answers[0] as Answer;
  const calls = answerCalls(answer);
  // A call follows only on one that is whole.
  const last = calls.length - 1;
  if (last >= 0) return calls.map((call, at) => callItem(context, at, call, at === last ? status : 'completed'));
  return [messageItem(context, answerText(answer), status)];
}

const textPart = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] });

/** Items are named after the response. */
const itemId = ({ head }: ResponsesContext, prefix: string, at: number): string =>
  `${prefix}_${head.id.replace(/^resp_/, '')}${at === 0 ? '' : `_${at}`}`;

function messageItem(context: ResponsesContext, text: string | undefined, status: ItemStatus) {
  const content = text === undefined ? [] : [textPart(text)];
  return { id: itemId(context, 'msg', 0), type: 'message', role: 'assistant', status, content };
}

function callItem(context: ResponsesContext, at: number, call: ToolCall, status: ItemStatus) {
  const id = itemId(context, 'fc', at);
  return { id, type: 'function_call', call_id: call.id, name: call.name, arguments: call.arguments, status };
}

/**
 * A response as a stream of numbered events (openai/responses/streaming_events.py; platform.openai.com, "Streaming
 * events"). An answer is one message or calls alone. The last event is `response.completed`, or `response.incomplete`
 * where the answer was cut; there is no `[DONE]`.
 */
export function responsesWriter(context: ResponsesContext): StreamWriter {
  const answer = context.answers[0] as Answer;
  let number = 0;
  const event = (type: string, fields: object): string => sseEvent({ type, sequence_number: number++, ...fields });
  const status = answer.finishReason === 'length' ? 'incomplete' : 'completed';
  const calls = answerCalls(answer);
  const place = { item_id: itemId(context, 'msg', 0), output_index: 0, content_index: 0 };

  const openMessage = (): string =>
    event('response.output_item.added', { output_index: 0, item: messageItem(context, undefined, 'in_progress') }) +
    event('response.content_part.added', { ...place, part: textPart('') });
  const closeMessage = (): string => {
    const text = answerText(answer);
    return (
      event('response.output_text.done', { ...place, text, logprobs: [] }) +
      event('response.content_part.done', { ...place, part: textPart(text) }) +
      event('response.output_item.done', { output_index: 0, item: messageItem(context, text, status) })
    );
  };
  const openCall = (at: number): string => {
    const item = callItem(context, at, { ...(calls[at] as ToolCall), arguments: '' }, 'in_progress');
    return event('response.output_item.added', { output_index: at, item });
  };
  const closeCall = (at: number, ended: ItemStatus): string => {
    const call = calls[at] as ToolCall;
    const done = { item_id: itemId(context, 'fc', at), output_index: at, name: call.name, arguments: call.arguments };
    return (
      event('response.function_call_arguments.done', done) +
      event('response.output_item.done', { output_index: at, item: callItem(context, at, call, ended) })
    );
  };
  return {
    open() {
      const response = opening(context);
      const begun = event('response.created', { response }) + event('response.in_progress', { response });
      return begun + (calls.length === 0 ? openMessage() : '');
    },
    token(_choice, k) {
      const piece = answer.pieces[k]!;
      if (piece.kind === 'call') {
        return (piece.call === 0 ? '' : closeCall(piece.call - 1, 'completed')) + openCall(piece.call);
      }
      if (piece.text === '') return '';
      if (piece.kind === 'text') {
        return event('response.output_text.delta', { ...place, delta: piece.text, logprobs: [] });
      }
      const { call, text } = piece;
      const at = { item_id: itemId(context, 'fc', call), output_index: call };
      return event('response.function_call_arguments.delta', { ...at, delta: text });
    },
    close() {
      const closed = calls.length === 0 ? closeMessage() : closeCall(calls.length - 1, status);
      return closed + event(`response.${status}`, { response: responsesBody(context) });
    },
    fail: (error) => sseData(openaiError(error)),
  };
}
