/** The small answers of a vLLM server (serve/instrumentator; serve/dev). `/health` and `/ping` have empty bodies. */

/** `GET /version`. */
export function versionBody(version: string) {
  return { version };
}

/** `GET /load`: how many requests the server has taken and not ended. */
export function loadBody(requests: number) {
  return { server_load: requests };
}

/** `GET /server_info`, which servers in development mode have: the configuration as vLLM prints it. */
export function serverInfoBody(config: Readonly<Record<string, string | number | boolean>>) {
  const shown = Object.entries(config).map(([name, value]) => `${name}=${pythonValue(value)}`);
  return { vllm_config: shown.join(', ') };
}

function pythonValue(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** `GET /is_sleeping`. */
export function sleepingBody(sleeping: boolean) {
  return { is_sleeping: sleeping };
}

/** vLLM's answer, with status 401, to a wrong `--api-key`: the one error whose `error` is no object. */
export const UNAUTHORIZED_BODY = { error: 'Unauthorized' } as const;

/** Paths that `--api-key` guards, by their beginning; all others are free (serve/middleware). */
const GUARDED = ['/v1', '/v2', '/inference', '/cohere'];

/** Whether a request needs the server's key. */
export function needsApiKey(method: string, path: string): boolean {
  return method !== 'OPTIONS' && GUARDED.some((guarded) => path.startsWith(guarded));
}
