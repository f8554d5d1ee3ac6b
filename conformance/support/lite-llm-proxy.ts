import { python } from './needs.ts';
import { type Running, run } from './process.ts';
import { MODEL } from './scenario.ts';

/**
 * Starts the LiteLLM proxy before the pods.
 * @param key what its clients show
 * @param names of the pods' models, as clients ask for them
 */
export function liteLlmProxy(
  podUrls: readonly string[],
  key: string,
  names: readonly string[],
  fallbacks: readonly object[] = [],
): Promise<Running> {
  return run({
    command: python('litellm', 'litellm')!,
    startMs: 120_000,
    env: { LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_MASTER_KEY: key },
    args: (port, config) => ['--config', config, '--host', '127.0.0.1', '--port', String(port)],
    config: () =>
      JSON.stringify({
        model_list: podUrls.map((url, index) => ({
          model_name: names[index],
          litellm_params: { model: `openai/${MODEL}`, api_base: `${url}/v1`, api_key: 'none' },
        })),
        router_settings: { num_retries: 0, fallbacks },
        litellm_settings: { telemetry: false },
      }),
  });
}
