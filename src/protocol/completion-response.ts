import { type Answer, answerText } from './answer.ts';
import { type AnswerContext, pieceText, placeOf, type StreamWriter, usageSoFar, wholeUsage } from './answer-context.ts';
import { openaiError, type WireFields } from './errors.ts';
import { completionLogprobs, promptLogprobs } from './logprobs.ts';
import { envelope, fullUsage, textUsageChunk } from './openai-response.ts';
import { SSE_DONE, sseData, sseDataAfter } from './sse.ts';
import { tokenPieces } from './token-text.ts';

/** A completion's own options beside those of {@link AnswerContext}. */
export interface CompletionContext extends AnswerContext {
  /** Nothing but the prompt is shown. */
  readonly promptOnly?: boolean;
}

/** The body of a text completion that is not streamed (completion/protocol.py, CompletionResponse). */
export function completionBody(context: CompletionContext) {
  const { head, request, answers, seed, promptOnly = false } = context;
  return {
    ...envelope(head, 'text_completion'),
    choices: answers.map((answer, index) => ({
      index,
      text: (request.echo ? promptOf(context, index) : '') + (promptOnly ? '' : answerText(answer)),
      logprobs: wholeLogprobs(context, index),
      finish_reason: answer.finishReason,
      stop_reason: answer.stopString,
      token_ids: null,
      prompt_logprobs:
        request.promptLogprobs === undefined
          ? null
          : promptLogprobs(tokenPieces(promptOf(context, index)), request.promptLogprobs, seed),
      prompt_token_ids: null,
    })),
    service_tier: null,
    system_fingerprint: null,
    usage: fullUsage(wholeUsage(context)),
    kv_transfer_params: context.kvTransferParams ?? null,
  };
}

/** Every prompt has as many answers as the others; those to one prompt stand together. */
function promptOf({ promptTexts, answers }: AnswerContext, choice: number): string {
  return promptTexts[Math.floor((choice * promptTexts.length) / answers.length)] ?? '';
}

function wholeLogprobs(context: CompletionContext, choice: number) {
  const { request, answers, promptOnly = false } = context;
  const own = promptOnly ? [] : (answers[choice] as Answer).pieces.map(pieceText);
  const before = request.echo ? tokenPieces(promptOf(context, choice)) : [];
  return logprobsOf(context, before, own, placeOf(choice, 0), 0);
}

/** Of the prompt's tokens, where they are echoed, and of the answer's after them. */
function logprobsOf(
  { request: { logprobs: top }, seed }: CompletionContext,
  before: readonly string[],
  own: readonly string[],
  from: number,
  textFrom: number,
) {
  if (top === undefined) return null;
  const prompt = completionLogprobs(before, top, seed, { from: 0, textFrom, prompted: true });
  const ownFrom = textFrom + before.join('').length;
  const answer = completionLogprobs(own, top, seed, { from, textFrom: ownFrom, prompted: false });
  return {
    text_offset: [...prompt.text_offset, ...answer.text_offset],
    token_logprobs: [...prompt.token_logprobs, ...answer.token_logprobs],
    tokens: [...prompt.tokens, ...answer.tokens],
    top_logprobs: [...prompt.top_logprobs, ...answer.top_logprobs],
  };
}

/** A text completion as a stream. Chunks carry their nulls; the prompt, where echoed, goes with the first token. */
export function completionWriter(context: CompletionContext): StreamWriter {
  const { head, request, answers, promptOnly = false } = context;
  const data = sseDataAfter(envelope(head, 'text_completion'));
  /** How much text each choice has had. */
  const shown = answers.map(() => 0);
  return {
    open: () => '',
    token(index, k) {
      const { pieces, finishReason, stopString } = answers[index] as Answer;
      const last = k === pieces.length - 1;
      const before = request.echo && k === 0 ? tokenPieces(promptOf(context, index)) : [];
      const own = promptOnly ? [] : [pieceText(pieces[k]!)];
      const textFrom = shown[index] as number;
      const text = [...before, ...own].join('');
      shown[index] = textFrom + text.length;
      const usage = usageSoFar(context, k + 1);
      return data({
        choices: [
          {
            index,
            text,
            logprobs: logprobsOf(context, before, own, placeOf(index, k), textFrom),
            finish_reason: last ? finishReason : null,
            stop_reason: last ? stopString : null,
            prompt_token_ids: null,
            token_ids: null,
          },
        ],
        usage: usage === undefined ? null : fullUsage(usage),
      });
    },
    close() {
      return (request.includeUsage ? sseData(textUsageChunk(head, wholeUsage(context))) : '') + SSE_DONE;
    },
    fail: (error: WireFields) => sseData(openaiError(error)) + SSE_DONE,
  };
}
