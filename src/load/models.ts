import { errorBodyText, networkText } from './failure-text.ts';

/** How long a server may take to list its models, milliseconds. */
const LIST_LIMIT_MS = 10_000;

/** The models that a server lists, or why it does not. */
export interface ListedModels {
  readonly names: readonly string[];
  readonly failure: string | null;
}

/** Asks a server for its models. Never throws. @param base of its OpenAI-compatible API */
export async function fetchModels(
  base: string,
  headers: Readonly<Record<string, string>>,
  fetch: typeof globalThis.fetch,
): Promise<ListedModels> {
  try {
    const response = await fetch(`${base}/models`, { headers, signal: AbortSignal.timeout(LIST_LIMIT_MS) });
    const text = await response.text();
    if (!response.ok) {
      return { names: [], failure: `${response.status} ${errorBodyText(text) ?? response.statusText}` };
    }
    return { names: namesIn(text), failure: null };
  } catch (error) {
    return { names: [], failure: networkText(error) };
  }
}

function namesIn(text: string): string[] {
  try {
    const { data } = JSON.parse(text) as { readonly data?: unknown };
    if (!Array.isArray(data)) return [];
    return data.flatMap((each: { readonly id?: unknown } | null) => (typeof each?.id === 'string' ? [each.id] : []));
  } catch {
    return [];
  }
}
