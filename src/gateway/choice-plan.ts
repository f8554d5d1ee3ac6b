import { type AnyUnitSpec, type ApplicationAnswer, isApplication, type UnitReplica } from '../platform/index.ts';
import type { PromptPrefix } from '../workload/index.ts';
import { planCall } from './application-plan.ts';
import type { Call, CallPrompt } from './call.ts';

/** One answer that a call asks for, before anybody makes it. */
export interface PlannedChoice {
  readonly promptTokens: number;
  /** Tokens that its engine makes. */
  readonly outputTokens: number;
  readonly finishReason: 'stop' | 'length';
  readonly prefix: PromptPrefix | undefined;
  /** What an application has for it. */
  readonly answer?: ApplicationAnswer;
}

/** The longest context in tokens that whoever answers allows: handed on, a request is in both kinds of engine. */
export function contextOf({ unit, instance }: UnitReplica): number {
  const of = ({ engine }: AnyUnitSpec): number => engine?.maxModelLen ?? Number.POSITIVE_INFINITY;
  return unit.role === 'prefill' ? Math.min(...instance.version.spec.units.map(of)) : of(unit);
}

/**
 * The answers to a call, those to one prompt together. Each has the length that was drawn for it, within what the client
 * and the context allow.
 * @param context the longest context in tokens
 * @param drawLength draws a length that nothing limits
 * @param unit who is to answer; an application knows its answer itself
 */
export function planChoices(
  call: Call,
  context: number,
  drawLength: () => number,
  unit?: AnyUnitSpec,
): PlannedChoice[] {
  if (unit !== undefined && isApplication(unit)) return planCall(call, unit);
  const { n = 1, promptTokens: tokens, prefix } = call;
  const prompts = call.prompts ?? [{ tokens, prefix }];
  const choices: PlannedChoice[] = [];
  for (const prompt of prompts) {
    for (let k = 0; k < n; k++) choices.push(planChoice(call, prompt, choices.length, context, drawLength));
  }
  return choices;
}

function planChoice(
  { pooling, minTokens = 0, maxTokens = Number.POSITIVE_INFINITY, leastTokens, ignoreEos }: Call,
  { tokens: promptTokens, prefix }: CallPrompt,
  index: number,
  context: number,
  drawLength: () => number,
): PlannedChoice {
  if (pooling === true) return { promptTokens, prefix, outputTokens: 1, finishReason: 'stop' };
  const drawn = drawLength();
  const least = Math.max(minTokens, leastTokens?.[index] ?? 0);
  const wanted = ignoreEos === true ? Number.POSITIVE_INFINITY : Math.max(drawn, least);
  const limit = Math.min(maxTokens, context - promptTokens);
  const outputTokens = Math.max(1, Math.min(wanted, limit, Number.MAX_SAFE_INTEGER));
  return { promptTokens, prefix, outputTokens, finishReason: wanted <= limit ? 'stop' : 'length' };
}
