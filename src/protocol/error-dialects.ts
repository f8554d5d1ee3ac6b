import { anthropicError } from './anthropic-messages.ts';
import { openaiError, type WireFields } from './errors.ts';

/** The forms in which an engine's server answers an error. The platform's own are `apigError` and `taskError`. */
export type ErrorDialect = 'openai' | 'vllm-legacy' | 'anthropic';

export interface ErrorAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** The vLLM whose errors are the first that stand in an `error` of their own. */
const NESTED_SINCE = { major: 0, minor: 10 } as const;

/** The flat error body of vLLM before 0.10. */
function legacyVllmError({ message, type, param, code }: WireFields) {
  return { object: 'error', message, type, param, code };
}

const BODIES: Readonly<Record<ErrorDialect, (fields: WireFields) => object>> = {
  openai: openaiError,
  'vllm-legacy': legacyVllmError,
  anthropic: anthropicError,
};

/**
 * The dialect in which an engine answers what a newer vLLM answers in `dialect`.
 * @param engine its kind (vLLM where it has none) and version; one that is no number counts as new
 */
export function errorsOf(
  dialect: ErrorDialect,
  { kind = 'vllm', version = '' }: { readonly kind?: string | undefined; readonly version?: string | undefined },
): ErrorDialect {
  if (dialect !== 'openai' || kind !== 'vllm') return dialect;
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined) return dialect;
  const isOld = Number(major) <= NESTED_SINCE.major && Number(minor) < NESTED_SINCE.minor;
  return isOld ? 'vllm-legacy' : dialect;
}

/** One error in any dialect. */
export function errorAnswer(dialect: ErrorDialect, fields: WireFields): ErrorAnswer {
  return { status: fields.code, contentType: 'application/json', body: JSON.stringify(BODIES[dialect](fields)) };
}
