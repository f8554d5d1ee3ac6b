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
