import { disaggregated } from '../harness/disaggregated.ts';
import { MEASUREMENT_FILES, type Measurements } from '../measurements.ts';
import { runSetup } from '../setups.ts';
import { readLengths } from '../tables/vllm-runs.ts';

/** What is said of a deployment before anybody has compared it with a measurement. */
export interface Prediction {
  readonly name: string;
  readonly assumptions: string;
  readonly ttftMs: number;
  readonly tpotMs: number;
  readonly e2eMs: number;
  readonly outputTokensPerSecond: number;
}

/** Connector and network of the fit T = 0.4 ms + bytes / 142 GB/s (Qwen3-8B over 8 x 200 Gbit/s RoCE). */
const LINK = { setupMicros: 400, bytesPerSecond: 142e9, uploads: 'parallel' } as const;

/**
 * One prefill and one decode instance of Llama-3.1-70B, TP 4 on H100 each, under the load of the SD and MD runs: with
 * the scalars fitted to those two alone. The first token is the switch that matters most, so both are told.
 */
export function predictOnePrefillOneDecode(files: Measurements): Prediction[] {
  const { spec, kvBytesPerToken, frontEndMs } = runSetup('h100');
  const requests = readLengths(files.shareGpt, MEASUREMENT_FILES.shareGpt);
  return (['decode', 'prefill'] as const).map((firstToken) => {
    const outcome = disaggregated(
      {
        prefill: spec,
        prefillEngines: 1,
        decode: spec,
        decodeEngines: 1,
        link: LINK,
        kvBytesPerToken,
        firstToken,
        frontEndMs,
      },
      { requests, arrivals: { at: requests.at } },
    );
    const { ttftMs, tpotMs, e2eMs, outputTokensPerSecond } = outcome;
    return {
      name: `h100 vllm bf16 llama-3.1-70b, 1 prefill + 1 decode, TP4 each; first token from ${firstToken}`,
      assumptions:
        'the 300 ShareGPT requests of SD and MD at 10/s; keys and values pulled at 0.4 ms + bytes / 142 GB/s',
      ttftMs,
      tpotMs,
      e2eMs,
      outputTokensPerSecond,
    };
  });
}
