import { AffineModel, type EngineSpec } from '../../engine/index.ts';
import { Chance, type Micros, micros } from '../../kernel/index.ts';
import type { Comparison } from '../figures.ts';
import { type Disaggregation, disaggregated } from '../harness/disaggregated.ts';
import type { Requests } from '../harness/load.ts';
import { MEASUREMENT_FILES, type Measurements } from '../measurements.ts';
import { type DistServeProfile, readDistServe } from '../tables/distserve.ts';
import { readLengths } from '../tables/vllm-runs.ts';

/** DistServe's regression answer for this search, from its README (LLMServe/DistServe @82831f16). */
export const DISTSERVE_ANSWER = { ratePerGpu: 1.56, prefillTp: 2, decodeTp: 1 } as const;

/** The objectives of DistServe's regression: a request counts when it meets both. */
const TTFT_MS = 200;
const TPOT_MS = 100;
const ATTAINMENT = 0.9;

const GPUS = 4;
/** OPT-13B: 2 x 40 layers x 5,120 x 2 bytes. */
const KV_BYTES_PER_TOKEN = 819_200;
/** A100 SXM, one direction. */
const NVLINK_BYTES_PER_SECOND = 300e9;
const BLOCK = 16;
const CONTEXT = 2_048;
/** Requests of one trial, and the grain of the rate, requests per second. */
const TRIAL_REQUESTS = 2_000;
const GRAIN = 0.02;
const RATE_MAX = 64;

export interface Placement {
  readonly prefillTp: number;
  readonly prefillEngines: number;
  readonly decodeTp: number;
  readonly decodeEngines: number;
  readonly gpus: number;
  /** The highest rate at which 90 % of the requests meet both objectives, requests per second and GPU. */
  readonly ratePerGpu: number;
}

/** One search, and its best rate beside DistServe's. */
export interface PlacementSearch {
  readonly lengths: string;
  readonly meanPrompt: number;
  readonly meanOutput: number;
  /** Best first. */
  readonly placements: readonly Placement[];
  readonly comparison: Comparison;
}

/** Mean tokens of ShareGPT as DistServe used it (OSDI 2024, figure 7; from memory). */
const PUBLISHED_MEANS = { prompt: 755.5, output: 200.3 } as const;

/** The regression over the length sample at hand, and over the same stretched to the means that DistServe states. */
export function distServeSearches(files: Measurements): PlacementSearch[] {
  const name = MEASUREMENT_FILES.distServe;
  const profiles = readDistServe(files.distServe, files.distServeTokens, 'facebook/opt-13b', name);
  const sample = readLengths(files.shareGpt, MEASUREMENT_FILES.shareGpt);
  const stretched: Requests = {
    promptTokens: stretch(sample.promptTokens, PUBLISHED_MEANS.prompt),
    outputTokens: stretch(sample.outputTokens, PUBLISHED_MEANS.output),
  };
  return [
    search('ShareGPT sample at hand', profiles, sample),
    search('stretched to the published means', profiles, stretched),
  ];
}

function search(lengths: string, profiles: ReadonlyMap<number, DistServeProfile>, requests: Requests): PlacementSearch {
  const drawn = resampled(requests);
  const placements = searchPlacements(profiles, drawn);
  const group = `a100 distserve fp16 opt-13b, ${lengths}`;
  return {
    lengths,
    meanPrompt: mean(drawn.promptTokens),
    meanOutput: mean(drawn.outputTokens),
    placements,
    comparison: {
      table: 'distserve',
      group,
      id: group,
      tier: 'measured',
      measured: { rate: DISTSERVE_ANSWER.ratePerGpu },
      predicted: { rate: placements[0]!.ratePerGpu },
      tags: [],
    },
  };
}

/** Stretched and cut to OPT's context so that their mean is `to`: where many are cut the rest grow the more. */
function stretch(lengths: Int32Array, to: number): Int32Array {
  const times = (factor: number): Int32Array =>
    lengths.map((length) => Math.min(CONTEXT - 1, Math.max(1, Math.round(factor * length))));
  let low = 0;
  let high = CONTEXT;
  for (let round = 0; round < 40; round++) {
    const factor = (low + high) / 2;
    if (mean(times(factor)) < to) low = factor;
    else high = factor;
  }
  return times(high);
}

function mean(values: Int32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The search over placements on four A100s, best first. */
function searchPlacements(profiles: ReadonlyMap<number, DistServeProfile>, requests: Requests): Placement[] {
  const placements: Placement[] = [];
  for (const [prefillTp, prefill] of profiles) {
    for (const [decodeTp, decode] of profiles) {
      for (let prefillEngines = 1; prefillEngines * prefillTp < GPUS; prefillEngines++) {
        for (let decodeEngines = 1; prefillEngines * prefillTp + decodeEngines * decodeTp <= GPUS; decodeEngines++) {
          const gpus = prefillEngines * prefillTp + decodeEngines * decodeTp;
          // The same pair twice over is no other placement.
          if (gpus > 2 && prefillEngines === decodeEngines && prefillEngines > 1) continue;
          const setup = { ...setupOf(prefill, decode), prefillEngines, decodeEngines };
          const ratePerGpu = bestRate((rate) => attains(setup, requests, rate)) / gpus;
          placements.push({ prefillTp, prefillEngines, decodeTp, decodeEngines, gpus, ratePerGpu });
        }
      }
    }
  }
  return placements.sort((a, b) => b.ratePerGpu - a.ratePerGpu || a.gpus - b.gpus);
}

function setupOf(
  prefill: DistServeProfile,
  decode: DistServeProfile,
): Omit<Disaggregation, 'prefillEngines' | 'decodeEngines'> {
  const engine = (profile: DistServeProfile): EngineSpec => ({
    maxNumSeqs: 1_000_000,
    // As in DistServe's simulator, a prefill batch is bounded by the cache alone, and no prompt is cut.
    maxNumBatchedTokens: profile.kvTokens,
    blockSize: BLOCK,
    kvBlocks: Math.floor(profile.kvTokens / BLOCK),
    maxModelLen: CONTEXT,
    stepTime: new AffineModel({
      prefill: profile.prefill,
      decode: profile.decodeSmall,
      decodeLarge: profile.decodeLarge,
      largeAbove: profile.smallBatch,
    }),
  });
  return {
    prefill: engine(prefill),
    decode: engine(decode),
    link: { setupMicros: 0, bytesPerSecond: NVLINK_BYTES_PER_SECOND, uploads: 'parallel' },
    kvBytesPerToken: KV_BYTES_PER_TOKEN,
    firstToken: 'prefill',
    frontEndMs: () => 0,
  };
}

/** Drawn with replacement from the sample at hand, cut to OPT's context. */
function resampled({ promptTokens, outputTokens }: Requests): Requests {
  const uniform = new Chance(1).stream('distserve/lengths');
  const rows = Array.from({ length: TRIAL_REQUESTS }, () => Math.floor(uniform() * promptTokens.length));
  const prompts = Int32Array.from(rows, (row) => Math.min(promptTokens[row]!, CONTEXT - 1));
  return {
    promptTokens: prompts,
    outputTokens: Int32Array.from(rows, (row, index) => Math.min(outputTokens[row]!, CONTEXT - prompts[index]!)),
  };
}

function attains(setup: Disaggregation, requests: Requests, rate: number): boolean {
  // The same gaps at every rate, only closer: attainment then falls with the rate.
  const uniform = new Chance(1).stream('distserve/arrivals');
  let seconds = 0;
  const at = Array.from(requests.promptTokens, (): Micros => micros(1e6 * (seconds -= Math.log(1 - uniform()) / rate)));
  const { each } = disaggregated(setup, { requests, arrivals: { at } });
  const good = each.filter(({ ttftMs, tpotMs }) => ttftMs <= TTFT_MS && tpotMs <= TPOT_MS).length;
  return good >= ATTAINMENT * each.length;
}

function bestRate(holds: (rate: number) => boolean): number {
  let low = 0;
  let high = GRAIN;
  while (high < RATE_MAX && holds(high)) {
    low = high;
    high *= 2;
  }
  while (high - low > GRAIN) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
