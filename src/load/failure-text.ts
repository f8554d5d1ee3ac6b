/** Of a body that is no error object, characters that are told. */
const BODY_SHOWN = 200;

/** What an error body says, in any of the forms that engines, gateways and proxies give it; null for an empty one. */
export function errorBodyText(body: string): string | null {
  const text = body.trim();
  if (text === '') return null;
  try {
    const told = errorText(JSON.parse(text));
    if (told !== undefined) return told;
  } catch {
    // A proxy's page, say.
  }
  return text.length <= BODY_SHOWN ? text : `${text.slice(0, BODY_SHOWN)}…`;
}

/**
 * The message of an error object: OpenAI's `{error: {message}}`, vLLM's `{error: "…"}` and `{object: "error", message}`,
 * a platform gateway's `{error_code, error_msg}`, FastAPI's `{detail}`.
 */
export function errorText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const { error, message, detail, error_msg: told, error_code: code } = value as Record<string, unknown>;
  if (typeof told === 'string') return typeof code === 'string' ? `${code}: ${told}` : told;
  if (typeof message === 'string') return message;
  if (typeof detail === 'string') return detail;
  return error === undefined ? undefined : errorText(error);
}

/** Why a `fetch` or a read from its body was given up: the cause that the platform hides one level down. */
export function networkText(error: unknown): string {
  const { cause, message } = error as { readonly cause?: unknown; readonly message?: string };
  if (cause instanceof Error && (cause.message !== '' || 'code' in cause)) {
    return cause.message || String((cause as { readonly code?: unknown }).code);
  }
  return message ?? String(error);
}
