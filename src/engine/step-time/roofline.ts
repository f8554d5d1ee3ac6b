import {
  type Accelerator,
  type Checkpoint,
  checkpointOf,
  type Model,
  networkOf,
  peakFlops,
  type StepTimeScalars,
} from '../../catalog/index.ts';
import { kvBytesPerToken, layerPadding } from '../memory.ts';
import type { StepTimeModel, StepWork } from '../spec.ts';
import { allReduce, expertExchange, nodesOf } from './collectives.ts';

/** How an engine is spread over devices. */
export interface Parallelism {
  /** All devices; of a CPU the share of its cores. */
  readonly devices: number;
  /** Data-parallel attention: so many ranks in a stage, their devices tensor-parallel. Default 1. */
  readonly attentionRanks?: number;
  /** Pipeline stages, each with its part of the layers on `devices / stages` devices. Default 1. */
  readonly stages?: number;
  /** The most prompt tokens in one micro-batch of a pipeline (`max_num_batched_tokens`). Default: all of a step's. */
  readonly microBatchTokens?: number;
  /** Nodes over which the devices are spread evenly. Default 1. */
  readonly nodes?: number;
}

const MICRO = 1e6;
/** Bytes of an activation between layers and in an all-reduce. */
const ACTIVATION_BYTES = 2;
/** Bytes of an activation that goes to an expert and comes back: fp8 out, bf16 back (DeepSeek-V3, 3.2.2). */
const EXPERT_BYTES = 1.5;
/** What a pipeline stage hands on of a token: hidden state and residual (vLLM's IntermediateTensors). */
const HANDED_ON = 2;
/** Dimensions of a query-key pair under latent attention: decoding reads the latent, prompts expand it. */
const LATENT_PAIR = 576 + 512;
const LATENT_PROMPT = 160;
/** Layers' worth of time that each draft of multi-token prediction costs: its layer, and what surrounds it. */
const DRAFT_LAYERS = 1.5;

/**
 * The time of one step on the fullest attention rank (t devices of N), k new tokens there and K over all ranks, B
 * sequences decoding over C tokens of context, Q query-key pairs of prompts; pn(a, b) = (a⁴ + b⁴)^¼, a soft maximum:
 *
 *     T = t0 + t1 L + ts B                                          host and launch
 *       + pn((2k (P_attn/F_a + P_mlp/F_m) + 2B P_head/F) / (t ec),  linear layers
 *            (P_attn w_a + P_mlp w_m + P_head w_h) / (t BW eb))
 *       + pn(2 K topK P_e L_e / (N F_e emc),                        experts
 *            L_e P_e w_e E (1 - (1 - topK/E)^K) / (N BW em))
 *       + max(kvB C' / (s BW), MLA: 2 L H 1088 C' / (t F)) / ea     decode attention, s = min(t, G)
 *       + 4 L_kv H d Q' / (t F eap)                                 prompt attention
 *       + ew 2 L (h + ffn/2t) k / BW                                element-wise work
 *       + n_c al + (n_tp 2(t-1)/t k h 2 + n_ep k topK h 1.5) / (link el)
 *
 * n_tp = 2L when t > 1, n_ep = 2 L_e with experts over several ranks, n_c both. A window W on a share f of the layers
 * makes C' = (1-f) C + f min(C, W B). The roofline of Williams et al. (CACM 2009) in the form fitted to published
 * serving measurements; scalars and their errors are `catalog/fits.json`.
 *
 * Nodes. The part of a collective that crosses nodes takes the network's bandwidth, of which it is assumed to reach the
 * same share el as of the link, and messages of the network's latency (`collectives.ts`).
 *
 * Stages. vLLM v1 keeps S batches in flight, each in another stage (EngineCore.step_with_batch_queue;
 * max_concurrent_batches is the pipeline's size). A step here is one turn of them all, in which every sequence goes
 * through all stages: S times the slowest stage, whose pace is set by the fullest micro-batch, which none overtakes;
 * and S-1 hand-offs of 2 k h activations, of which each device of a tensor-parallel group sends its part
 * (send_tensor_dict). As pn(Sa, Sb) = S pn(a, b), that is the equation above with N/S for N, S t0, S ts, S P_head,
 * and L rounded up to a multiple of S.
 * - Sequences spread evenly over micro-batches, the best case of v1, whose batches are as requests come; fewer than S
 *   leave stages idle.
 * - Prompts fill one micro-batch before the next begins, as the greedy scheduler has it, so that a lone prompt gains
 *   nothing from stages.
 * - The pipe is full: a prompt of several micro-batches that finds it empty would take up to S-1 stages longer.
 */
export class RooflineModel implements StepTimeModel {
  readonly #ranks: number;
  readonly #stages: number;
  readonly #microBatchTokens: number;
  /** Microseconds of every step, and of each decoding sequence of the fullest rank. */
  readonly #fixed: number;
  readonly #perSequence: number;
  /** Linear layers: of each new token, of each token that goes through the head, of the weights; to the fourth power. */
  readonly #perToken: number;
  readonly #perHead: number;
  readonly #weights4: number;
  readonly #expertToken: number;
  readonly #expertsAll: number;
  /** Share of the experts that a token does not touch. */
  readonly #untouched: number;
  /** Of each token of context, read, and computed with for each token that decodes. */
  readonly #contextRead: number;
  readonly #contextCompute: number;
  readonly #perPair: number;
  readonly #extraPerToken: number;
  readonly #window: number;
  readonly #windowShare: number;
  readonly #layers: number;
  /** By decoding sequences: what a decode step costs besides its context. */
  readonly #decodeBase: number[] = [];

  constructor(
    model: Model,
    device: Accelerator,
    scalars: StepTimeScalars,
    { devices, attentionRanks = 1, stages = 1, microBatchTokens = Infinity, nodes = 1 }: Parallelism,
    checkpoint: Checkpoint = checkpointOf(model, 'bf16'),
  ) {
    const { layers, hidden, heads, experts, mla, expertLayers, expertParameters } = model;
    const part = Math.min(1, devices);
    // Of a stage.
    const all = Math.max(1, devices) / stages;
    const tensor = all / attentionRanks;
    // What is of layers, over all stages.
    const padding = layerPadding(model, stages);
    const layered = MICRO * padding;
    const bandwidth = device.memoryBandwidth * part;
    const rate = (operand: Parameters<typeof peakFlops>[1]): number => peakFlops(device, operand) * part;
    const { attention, mlp, experts: stored, head } = checkpoint;

    this.#ranks = attentionRanks;
    this.#stages = stages;
    this.#microBatchTokens = microBatchTokens;
    this.#layers = layers;
    this.#perSequence = scalars.sequenceMicros * stages;
    const linear = 2 / (tensor * scalars.compute);
    this.#perToken =
      layered *
      linear *
      (model.attentionParameters / rate(attention.operand) + model.mlpParameters / rate(mlp.operand));
    this.#perHead = MICRO * linear * (model.headParameters / rate('bf16')) * stages;
    const streamed =
      (model.attentionParameters * attention.bytes + model.mlpParameters * mlp.bytes) * padding +
      model.headParameters * head.bytes * stages;
    this.#weights4 = ((MICRO * streamed) / (tensor * bandwidth * scalars.weights)) ** 4;

    const topK = experts?.topK ?? 0;
    const count = experts?.count ?? 0;
    this.#untouched = experts === undefined ? 1 : 1 - topK / count;
    this.#expertToken =
      (layered * 2 * topK * expertParameters * expertLayers) / (all * rate(stored.operand) * scalars.expertCompute);
    this.#expertsAll =
      (layered * expertLayers * expertParameters * stored.bytes * count) / (all * bandwidth * scalars.expertWeights);

    const shards = mla === undefined ? Math.min(tensor, model.kvHeads) : 1;
    this.#contextRead =
      (layered * kvBytesPerToken(model, checkpoint.kvBytes)) / (shards * bandwidth * scalars.attention);
    this.#contextCompute =
      mla === undefined
        ? 0
        : (layered * 2 * layers * heads * LATENT_PAIR) / (tensor * rate('bf16') * scalars.attention);
    const width = heads * (mla === undefined ? model.headDim : LATENT_PROMPT);
    this.#perPair = (layered * 4 * model.kvLayers * width) / (tensor * rate('bf16') * scalars.attentionCompute);
    this.#window = model.window?.tokens ?? 0;
    this.#windowShare = model.window?.share ?? 0;

    const reduces = tensor > 1 ? 2 * layers : 0;
    const exchanges = attentionRanks > 1 ? 2 * expertLayers : 0;
    const perNode = Math.max(1, devices) / nodes;
    const reduce = allReduce(tensor, nodesOf(tensor, perNode));
    const exchange = expertExchange(topK, nodesOf(all, perNode));
    const link = device.linkBandwidth * scalars.link;
    const network = networkOf(device);
    const wire = network.bandwidth * scalars.link;
    const moved =
      reduces * reduce.inside * hidden * ACTIVATION_BYTES + exchanges * exchange.inside * hidden * EXPERT_BYTES;
    const crossed =
      reduces * reduce.across * hidden * ACTIVATION_BYTES + exchanges * exchange.across * hidden * EXPERT_BYTES;
    // Stages on one node, if there are any, hand on over its link.
    const handOffs = stages - 1;
    const remote = Math.min(stages, nodes) - 1;
    const handed = (HANDED_ON * hidden * ACTIVATION_BYTES) / tensor;
    const handing = handed * ((remote > 0 ? remote / wire : 0) + (handOffs > remote ? (handOffs - remote) / link : 0));
    const between =
      experts === undefined
        ? model.mlpParameters / (3 * hidden * layers)
        : ((topK * expertParameters) / (3 * hidden) / all) * tensor + (experts.sharedFeedForward ?? 0);
    const passes = layers * 2 * (hidden + between / (2 * tensor));
    const local = (scalars.elementwise * passes) / bandwidth + (moved > 0 ? moved / link : 0);
    this.#extraPerToken = layered * (local + crossed / wire) + MICRO * handing;
    const hops = padding * (reduces * reduce.hops + exchanges * exchange.hops) + remote;
    this.#fixed =
      scalars.stepMicros * stages +
      layers * scalars.layerMicros * padding +
      ((reduces + exchanges) * padding + handOffs) * scalars.collectiveMicros +
      hops * network.micros;
  }

  stepMicros(work: Readonly<StepWork>): number {
    const prompts = work.promptSequences ?? 0;
    const decoding = work.sequences - prompts;
    if (prompts === 0 && work.newTokens === decoding) {
      return this.#baseOf(decoding) + this.#attention(decoding, work.contextTokens, 1);
    }
    // Prompts are shared out over attention ranks one by one, as decoding sequences are.
    const promptTokens = work.promptTokens ?? 0;
    const ofRank = prompts === 0 ? 0 : Math.ceil(prompts / this.#ranks) / prompts;
    const ofMicroBatch = Math.min(1, Math.max(1 / this.#stages, this.#microBatchTokens / (promptTokens * ofRank)));
    const share = ofRank * ofMicroBatch;
    const fullest = this.#fullest(decoding);
    const verified = decoding === 0 ? 0 : (work.newTokens - promptTokens) / decoding;
    const chunk = promptTokens * share;
    const ofDecoding = decoding === 0 ? 0 : this.#microBatch(decoding) / decoding;
    const together = promptTokens * ofMicroBatch + (work.newTokens - promptTokens) * ofDecoding;
    const base = this.#base(fullest, fullest * verified, chunk, together);
    const decode =
      decoding === 0 ? 0 : this.#attention(decoding, work.contextTokens - (work.promptContext ?? 0), verified);
    const drafts = Math.max(0, verified - 1);
    const total = base + decode + this.#perPair * this.#windowed((work.promptPairs ?? 0) * share, chunk);
    return total * (1 + (DRAFT_LAYERS * drafts) / this.#layers);
  }

  /** Only the context grows from step to step, by one token a sequence: arithmetic series, two with a window. */
  decodeMicros(sequences: number, contextTokens: number, steps: number): number {
    const share = this.#fullest(sequences) / sequences;
    const each = share * Math.max(this.#contextRead, this.#contextCompute);
    const full = series(contextTokens, sequences, steps);
    let read = full;
    if (this.#windowShare > 0) {
      // Contexts outgrow the window together: C + jB >= WB.
      const within = Math.min(steps, Math.max(0, Math.ceil(this.#window - contextTokens / sequences)));
      const windowed = series(contextTokens, sequences, within) + (steps - within) * this.#window * sequences;
      read = (1 - this.#windowShare) * full + this.#windowShare * windowed;
    }
    return steps * this.#baseOf(sequences) + each * read;
  }

  /** What decode steps of so many sequences cost besides their context; computed once. */
  #baseOf(sequences: number): number {
    const known = this.#decodeBase[sequences];
    if (known !== undefined) return known;
    const fullest = this.#fullest(sequences);
    const base = this.#base(fullest, fullest, 0, this.#microBatch(sequences));
    this.#decodeBase[sequences] = base;
    return base;
  }

  /** Decoding sequences of the fullest micro-batch, over all ranks. */
  #microBatch(sequences: number): number {
    return Math.ceil(sequences / this.#stages);
  }

  /** Those of the fullest rank of it: micro-batches part a batch over time as ranks do over devices. */
  #fullest(sequences: number): number {
    return Math.ceil(sequences / (this.#ranks * this.#stages));
  }

  /**
   * All but attention.
   * @param fullest decoding sequences of the fullest rank
   * @param decoded tokens that it computes for them
   * @param chunk prompt tokens that it computes
   * @param tokens new tokens of the micro-batch over all ranks
   */
  #base(fullest: number, decoded: number, chunk: number, tokens: number): number {
    const here = decoded + chunk;
    const compute = this.#perToken * here + this.#perHead * decoded;
    const linear = root4(compute ** 4 + this.#weights4);
    const touched = this.#expertsAll === 0 ? 0 : this.#expertsAll * (1 - this.#untouched ** tokens);
    const experts = touched === 0 ? 0 : root4((this.#expertToken * tokens) ** 4 + touched ** 4);
    return this.#fixed + this.#perSequence * fullest + linear + experts + this.#extraPerToken * here;
  }

  /** Attention of decoding sequences on the fullest rank; `verified` tokens of each are computed at once. */
  #attention(sequences: number, contextTokens: number, verified: number): number {
    const share = this.#fullest(sequences) / sequences;
    const each = Math.max(this.#contextRead, this.#contextCompute * verified);
    return share * each * this.#windowed(contextTokens, sequences);
  }

  #windowed(amount: number, rows: number): number {
    if (this.#windowShare === 0) return amount;
    return (1 - this.#windowShare) * amount + this.#windowShare * Math.min(amount, this.#window * rows);
  }
}

function root4(value: number): number {
  return Math.sqrt(Math.sqrt(value));
}

/** first + (first + step) + … over `count` terms. */
function series(first: number, step: number, count: number): number {
  return count * first + (step * count * (count - 1)) / 2;
}
