import { freeText } from './free-text.ts';
import { hexDigits } from './json-formats.ts';
import { type JsonSample, jsonPieces, sampleJson } from './json-sample.ts';
import type { ChatMessage } from './message-content.ts';
import type { Structure } from './structured-output.ts';
import { cutPieces, findStop, fitPieces, tokenPieces } from './token-text.ts';
import { countTokens } from './tokens.ts';
import type { Tool, ToolUse } from './tool-request.ts';

/** What one generated token shows. */
export type TokenPiece =
  | { readonly kind: 'text'; readonly text: string }
  /** A call of a tool begins; the token stands for all that a template puts around the arguments. */
  | { readonly kind: 'call'; readonly call: number; readonly id: string; readonly name: string }
  | { readonly kind: 'arguments'; readonly call: number; readonly text: string };

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON, unless the answer was cut. */
  readonly arguments: string;
}

/** One answer: what each of its tokens shows, and how it ended. */
export interface Answer {
  readonly pieces: readonly TokenPiece[];
  readonly finishReason: 'stop' | 'length' | 'tool_calls';
  /** The stop string that ended it. */
  readonly stopString: string | null;
}

/** What of a request decides its answer's form. */
export interface AnswerForm {
  readonly stop: readonly string[];
  readonly includeStop: boolean;
  readonly structure: Structure | undefined;
  /** Absent for text completions. */
  readonly toolUse?: ToolUse | undefined;
  readonly messages?: readonly ChatMessage[];
}

/** What is settled elsewhere: how many tokens, whether that was all the request allowed, and the chance it is made of. */
export interface AnswerDraw {
  readonly tokens: number;
  /** `stop` where the answer ended by itself, `length` where it ran into a limit. */
  readonly finishReason: 'stop' | 'length';
  /** Words for it to be made of; see `replyPieces`. */
  readonly words: readonly string[];
  /** Draws from [0, 1); the answer is a function of what it gives. */
  readonly uniform: () => number;
}

/** How often an answer that may hold several calls holds two. */
const SECOND_CALL_CHANCE = 1 / 4;

/**
 * The answer to a request: exactly as many pieces as tokens were drawn, and free of the request's stop strings.
 *
 * - Tools are called where they must be; under `auto`, where the user spoke last, so that an agent's loop ends with the
 *   text that follows a tool's result.
 * - A JSON text or a call's arguments obey their schema and grow to the drawn length. Where a limit ended the answer
 *   they are cut, as a real engine's are; drawn too short to be whole, they are cut as well, and the reason is `length`.
 *   A schema without free strings cannot grow: tokens that show no text follow.
 * - With stop strings, an answer that ended by itself ended at one of them: it is left out, and named. One that ran into
 *   a limit holds none. The stop string's own tokens are not counted: the drawn length is that of the text.
 */
export function composeAnswer(form: AnswerForm, draw: AnswerDraw): Answer {
  const plan = planAnswer(form, draw.words, draw.uniform);
  switch (plan.kind) {
    case 'calls':
      return callAnswer(plan.calls, form.toolUse!, draw);
    case 'json':
      return fixedAnswer(form, draw, plan.sample.leastTokens, jsonTokens(plan.sample, draw.tokens, draw));
    case 'choice':
      return fixedAnswer(form, draw, countTokens(plan.choice), fitPieces(tokenPieces(plan.choice), draw.tokens));
    case 'text':
      return textAnswer(form, draw);
  }
}

/**
 * The fewest tokens with which the answer is whole: a JSON text that parses, calls with all their arguments. Zero for
 * free text. Given draws that begin alike, it speaks of the very answer that {@link composeAnswer} makes.
 */
export function leastAnswerTokens(form: AnswerForm, words: readonly string[], uniform: () => number): number {
  const plan = planAnswer(form, words, uniform);
  switch (plan.kind) {
    case 'calls':
      return plan.calls.reduce((sum, { sample }) => sum + 1 + sample.leastTokens, 0);
    case 'json':
      return plan.sample.leastTokens;
    case 'choice':
      return countTokens(plan.choice);
    case 'text':
      return 0;
  }
}

/** The text that an answer shows, its calls left out. */
export function answerText({ pieces }: Answer): string {
  return pieces.map((piece) => (piece.kind === 'text' ? piece.text : '')).join('');
}

/** The calls that an answer makes, in order. */
export function answerCalls({ pieces }: Answer): ToolCall[] {
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const piece of pieces) {
    if (piece.kind === 'call') calls[piece.call] = { id: piece.id, name: piece.name, arguments: '' };
    if (piece.kind === 'arguments') calls[piece.call]!.arguments += piece.text;
  }
  return calls;
}

interface PlannedCall {
  readonly name: string;
  readonly id: string;
  readonly sample: JsonSample;
}

type Plan =
  | { readonly kind: 'calls'; readonly calls: readonly PlannedCall[] }
  | { readonly kind: 'json'; readonly sample: JsonSample }
  | { readonly kind: 'choice'; readonly choice: string }
  | { readonly kind: 'text' };

function planAnswer(form: AnswerForm, words: readonly string[], uniform: () => number): Plan {
  const { toolUse, structure, messages } = form;
  if (toolUse !== undefined && (toolUse.choice !== 'auto' || messages?.at(-1)?.role === 'user')) {
    const calls = pickTools(toolUse, uniform).map(({ name, parameters }) => {
      const id = `chatcmpl-tool-${hexDigits(uniform, 32)}`;
      return {
        name,
        id,
        sample: sampleJson({ additionalProperties: false, ...parameters, type: 'object' }, words, uniform),
      };
    });
    return { kind: 'calls', calls };
  }
  if (structure === undefined) return { kind: 'text' };
  if (structure.kind === 'json') return { kind: 'json', sample: sampleJson(structure.schema, words, uniform) };
  return { kind: 'choice', choice: structure.choices[Math.floor(uniform() * structure.choices.length)] as string };
}

function pickTools({ tools, choice, parallel }: ToolUse, uniform: () => number): Tool[] {
  if (typeof choice === 'object') return tools.filter(({ name }) => name === choice.named).slice(0, 1);
  const first = Math.floor(uniform() * tools.length);
  const two = parallel && tools.length > 1 && uniform() < SECOND_CALL_CHANCE;
  return (two ? [first, (first + 1) % tools.length] : [first]).map((at) => tools[at] as Tool);
}

/** How far a JSON text goes on beyond the limit that cut it. */
const OVERRUN = 8;

/** A JSON text of that many tokens: whole where the answer ended by itself, cut where a limit ended it. */
function jsonTokens(sample: JsonSample, count: number, { finishReason, words, uniform }: AnswerDraw): string[] {
  const drawn = finishReason === 'length' ? count + OVERRUN : count;
  return jsonPieces(sample, drawn, words, uniform).slice(0, count);
}

/** Every call but the last is as short as it gets; the last takes what is left. */
function callAnswer(calls: readonly PlannedCall[], { choice }: ToolUse, draw: AnswerDraw): Answer {
  const pieces: TokenPiece[] = [];
  let whole = true;
  for (const [call, { name, id, sample }] of calls.entries()) {
    const left = draw.tokens - pieces.length;
    const last = call === calls.length - 1;
    const count = Math.max(0, last ? left - 1 : Math.min(sample.leastTokens, left - 1));
    whole = left > count && count >= sample.leastTokens && whole;
    if (left > 0) pieces.push({ kind: 'call', call, id, name });
    const texts = last ? jsonTokens(sample, count, draw) : jsonPieces(sample, count, draw.words, draw.uniform);
    for (const text of texts) pieces.push({ kind: 'arguments', call, text });
  }
  // vLLM: a call that was asked for by name ends with `stop`, all others with `tool_calls` (chat_completion/serving.py).
  const ended = typeof choice === 'object' ? 'stop' : 'tool_calls';
  return { pieces, finishReason: whole && draw.finishReason === 'stop' ? ended : 'length', stopString: null };
}

/** An answer whose text its form decides. A stop string in it ends it there, as it would end a real one. */
function fixedAnswer(form: AnswerForm, draw: AnswerDraw, least: number, pieces: readonly string[]): Answer {
  const found = findStop(pieces.join(''), form.stop);
  const finishReason = draw.tokens < least ? 'length' : draw.finishReason;
  if (found === undefined) return { pieces: pieces.map(textPiece), finishReason, stopString: null };
  const end = found.at + (form.includeStop ? found.stop.length : 0);
  return { pieces: cutPieces(pieces, end).map(textPiece), finishReason: 'stop', stopString: found.stop };
}

function textAnswer({ stop, includeStop }: AnswerForm, draw: AnswerDraw): Answer {
  const pieces = freeText(draw.words, draw.tokens, stop, draw.uniform);
  const ended = draw.finishReason === 'stop' && stop.length > 0;
  const stopString = ended ? (stop[Math.floor(draw.uniform() * stop.length)] as string) : null;
  if (includeStop && stopString !== null && pieces.length > 0) pieces[pieces.length - 1] += stopString;
  return { pieces: pieces.map(textPiece), finishReason: draw.finishReason, stopString };
}

function textPiece(text: string): TokenPiece {
  return { kind: 'text', text };
}
