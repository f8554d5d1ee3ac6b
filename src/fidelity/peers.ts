/** What others report of themselves, or was reported of them, to be read beside our own figures. */
export interface PeerFigure {
  readonly simulator: string;
  readonly figure: string;
  readonly on: string;
  readonly source: string;
}

const BLIS = 'BLIS sim-to-real, vLLM 0.15.1 on H100 (its authors maintain BLIS); recomputed per experiment';
const OWN = 'its own report';

/** Collected in the project's survey of simulators (2026-11); other loads and models than here, so orders of magnitude. */
export const PEERS: readonly PeerFigure[] = [
  { simulator: 'Vidur', figure: 'latency < 9 %, <= 12.65 % at 95 % load', on: 'its own models', source: OWN },
  { simulator: 'Vidur', figure: 'E2E 15.5, ITL 16.7, TTFT 22.7 %', on: '2 experiments', source: BLIS },
  {
    simulator: 'AIConfigurator',
    figure: 'TTFT MAPE 18.0 %',
    on: 'serving level, the silicon table (gates 5/10 %)',
    source: OWN,
  },
  { simulator: 'AIConfigurator 0.9', figure: 'E2E 21.1, ITL 19.9, TTFT 853 %', on: '7 experiments', source: BLIS },
  {
    simulator: 'BLIS, learned',
    figure: 'E2E 24.2 (median 19.6), ITL 24.7, TTFT 25.3 %',
    on: '13 experiments',
    source: BLIS,
  },
  { simulator: 'BLIS, roofline', figure: 'E2E 51.9, ITL 58.0, TTFT 315 %', on: '13 experiments', source: BLIS },
  { simulator: 'LLM-Optimizer', figure: 'E2E 43.7, ITL 55.7, TTFT 729 %', on: '9 experiments', source: BLIS },
  { simulator: 'LLMServingSim 1.1', figure: 'E2E 38.4, ITL 32.4, TTFT 1629 %', on: '32 experiments', source: BLIS },
  {
    simulator: 'LLMServingSim 2',
    figure: 'TPOT <= 2 %, TTFT <= 4 % (MoE DP-EP -13.6 %)',
    on: 'its own runs, vllm_runs among them (TTFT -4.0, TPOT -1.0, E2E -1.8 %)',
    source: OWN,
  },
  { simulator: 'InferSim', figure: 'throughput 4-15 %', on: 'DeepSeek-V3 and Qwen3 on H800, H20', source: OWN },
  { simulator: 'LLMCompass', figure: 'E2E 4.1 %, operators 10.4-10.9 %', on: 'its own operators', source: OWN },
  { simulator: 'LIMINAL', figure: '7.6 %', on: 'its own comparison', source: OWN },
  {
    simulator: 'msModeling',
    figure: 'goals: prefill < 30 %, decode < 20 %, kernels < 10 %',
    on: 'Ascend; goals, not results',
    source: 'its RFCs',
  },
];
