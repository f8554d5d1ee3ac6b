import type { ServiceState, ServiceStatus } from '../index.ts';
import { type CallFailure, type StreamedAnswer, streamedCall, tpotMs, type Wire } from '../load/index.ts';

/** In which states a service takes part in a live comparison (guide 1089). */
const COMPARED_IN: readonly ServiceStatus[] = ['RUNNING', 'CONCERNING', 'UPGRADING'];

/** What the console calls states whose names in the contract differ (guide 3100). */
const CONSOLE_NAMES: Readonly<Partial<Record<ServiceStatus, string>>> = { CONCERNING: 'Alarm', ERROR: 'Abnormal' };

/** A service that is to answer. */
export interface Target {
  readonly name: string;
  /** The base URL of its OpenAI-compatible API. */
  readonly url: string;
  /** Null when it is unknown, or there is none. */
  readonly model: string | null;
  /** What shows the caller may call it. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its state, where that is known. */
  readonly state: ServiceStatus | null;
  /** Why it is not asked at all; null when it is. */
  readonly barred: string | null;
  /** False when it is of a kind that is never compared, whatever state it is in. */
  readonly comparable: boolean;
}

/** What all are asked. */
export interface Question {
  readonly prompt: string;
  /** Null: as long as each answers of itself. */
  readonly maxTokens: number | null;
  readonly timeoutMs: number;
}

/** How one service answered: what `--json` prints of it. Durations are milliseconds; null is what did not come. */
export interface ComparedService {
  readonly name: string;
  readonly url: string;
  readonly model: string | null;
  readonly state: ServiceStatus | null;
  /** False when it is of a kind that is never compared, whatever state it is in. */
  readonly comparable: boolean;
  /** It gave a whole answer. */
  readonly answered: boolean;
  readonly httpStatus: number | null;
  readonly ttftMs: number | null;
  readonly tpotMs: number | null;
  readonly e2eMs: number | null;
  readonly promptTokens: number | null;
  readonly outputTokens: number | null;
  /** Output tokens over the whole time, the first token's included. */
  readonly tokensPerSecond: number | null;
  readonly finishReason: string | null;
  readonly itlMs: readonly number[];
  readonly text: string;
  readonly reasoning: string;
  /** Null when it answered. `not-asked`: its state, or what is known of it, does not allow it. */
  readonly failure: { readonly kind: CallFailure['kind'] | 'not-asked'; readonly message: string } | null;
}

/** Whether a service takes part, and why not. Real-time text generation is compared, and nothing else (guide 1089). */
export function bars(service: ServiceState): Pick<Target, 'barred' | 'comparable'> {
  const { status: state, model } = service;
  // Without a deployment there is no model either: its state says more.
  const kind = barsOfKind({ ...service, model: model === null && state === 'INIT' ? '' : model });
  if (kind !== null) return { barred: kind, comparable: false };
  if (COMPARED_IN.includes(state)) return { barred: null, comparable: true };
  const states = COMPARED_IN.map(named);
  const others = states.slice(0, -1).join(', ');
  const barred = `it is ${named(state)}; a comparison takes services that are ${others} or ${states.at(-1)}`;
  return { barred, comparable: true };
}

/** Why a service takes no part whatever state it is in; null when it may. @param service its model is null where it serves none */
export function barsOfKind({
  mode,
  protocol,
  model,
}: Pick<ServiceState, 'mode' | 'protocol' | 'model'>): string | null {
  if (mode === 'asynchronous') return 'it is asynchronous; a comparison takes real-time services';
  if (protocol === 'WS' || protocol === 'WSS') return `it is called over ${protocol}; a comparison streams over HTTP`;
  return model === null ? 'it serves no language model; a comparison takes text generation services' : null;
}

function named(state: ServiceStatus): string {
  const name = CONSOLE_NAMES[state];
  return name === undefined ? state : `${state} (${name})`;
}

/** Asks all at one moment, and waits for all. */
export function askAll(targets: readonly Target[], question: Question, wire: Wire): Promise<ComparedService[]> {
  return Promise.all(targets.map((target) => ask(target, question, wire)));
}

async function ask(target: Target, question: Question, wire: Wire): Promise<ComparedService> {
  if (target.barred !== null) return compared(target, null, { kind: 'not-asked', message: target.barred });
  const { prompt, maxTokens, timeoutMs } = question;
  const answer = await streamedCall(
    {
      url: `${target.url}/chat/completions`,
      headers: target.headers,
      body: {
        model: target.model,
        messages: [{ role: 'user', content: prompt }],
        ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
      },
      timeoutMs,
    },
    wire,
  );
  return compared(target, answer, answer.failure);
}

/** The header by which an API key is shown; none for an empty one. */
export function authorization(apiKey: string): Record<string, string> {
  return apiKey === '' ? {} : { authorization: `Bearer ${apiKey}` };
}

function compared(
  { name, url, model, state, comparable }: Target,
  answer: StreamedAnswer | null,
  failure: ComparedService['failure'],
): ComparedService {
  const { outputTokens = null, e2eMs = 0 } = answer ?? {};
  const answered = failure === null;
  return {
    name,
    url,
    model,
    state,
    comparable,
    answered,
    httpStatus: answer?.status ?? null,
    ttftMs: toMicros(answer?.ttftMs ?? null),
    tpotMs: toMicros(answer === null ? null : tpotMs(answer)),
    e2eMs: answered ? toMicros(e2eMs) : null,
    promptTokens: answer?.promptTokens ?? null,
    outputTokens,
    tokensPerSecond:
      !answered || outputTokens === null || e2eMs === 0 ? null : toMicros((outputTokens * 1_000) / e2eMs),
    finishReason: answer?.finishReason ?? null,
    itlMs: (answer?.itlMs ?? []).map((each) => toMicros(each) as number),
    text: answer?.text ?? '',
    reasoning: answer?.reasoning ?? '',
    failure,
  };
}

/** To the grain of simulated time: three places after the point. */
function toMicros(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1_000) / 1_000;
}
