import type { Accelerator } from './accelerators.ts';
import type { Model, ModelFamily } from './architecture.ts';
import table from './fits.json' with { type: 'json' };
import type { Precision } from './precisions.ts';

/** Serving engines that a fit tells apart. On NPUs `vllm` is vLLM-Ascend. */
export const ENGINE_KINDS = ['vllm', 'sglang', 'trtllm', 'mindie'] as const;
export type EngineKind = (typeof ENGINE_KINDS)[number];

/**
 * What a step costs besides its rooflines, and how much of a device's peak an engine reaches: the scalars of the
 * step-time equations (`engine/step-time/roofline.ts`). Fitted together, a set is to be used as one: those of models
 * with experts or latent attention are effective values, none of them an efficiency to be quoted alone.
 */
export interface StepTimeScalars {
  /** Host and launch time of a step (t0), microseconds; of each layer (t1); of each decoding sequence (ts). */
  readonly stepMicros: number;
  readonly layerMicros: number;
  readonly sequenceMicros: number;
  /** Share of the peak rate in linear layers (ec), and in experts (emc). */
  readonly compute: number;
  readonly expertCompute: number;
  /** Share of the memory bandwidth streaming weights (eb), those of experts (em), keys and values (ea). */
  readonly weights: number;
  readonly expertWeights: number;
  readonly attention: number;
  /** Share of the bf16 peak in attention over a prompt (eap). */
  readonly attentionCompute: number;
  /** Set-up of one collective (al), microseconds, and share of the link bandwidth (el). */
  readonly collectiveMicros: number;
  readonly link: number;
  /** Passes over the activations of a token that are no matrix products (ew): norms, quantising, routing. */
  readonly elementwise: number;
  /** What the fit found before a step and after a token in the harness and server (tf), milliseconds. */
  readonly frontEndMillis: number;
  /** Tokens that a step gives with the three drafts of multi-token prediction (mt). */
  readonly tokensPerStep: number;
}

/** How well founded a figure is. */
export type EvidenceTier = 'measured' | 'fitted' | 'derived' | 'unsupported';

export interface Evidence {
  readonly tier: EvidenceTier;
  /** Measurements behind it, and their mean absolute error of TPOT in per cent. */
  readonly n?: number;
  readonly mape?: number;
  readonly source: string;
}

/** A tier as a person reads it: `fitted (n 5, MAPE 3.1 %)`. */
export function evidenceText({ tier, n, mape }: Evidence): string {
  const counts = [...(n === undefined ? [] : [`n ${n}`]), ...(mape === undefined ? [] : [`MAPE ${mape.toFixed(1)} %`])];
  return counts.length === 0 ? tier : `${tier} (${counts.join(', ')})`;
}

/** What a fit is asked for. A version picks the group of that version where there is one. */
export interface FitQuery {
  readonly accelerator: Accelerator;
  readonly engine: EngineKind;
  readonly version?: string;
  readonly precision: Precision;
  readonly model: Model;
}

export interface StepTimeFit {
  readonly scalars: StepTimeScalars;
  readonly evidence: Evidence;
}

interface Pooled {
  readonly engine: string;
  readonly generation: string;
  readonly precision: string;
  readonly family: string;
  readonly scalars: StepTimeScalars;
}

/** A group of the fit, as its row in `fits.json` states it. */
export interface FitGroup {
  readonly accelerator: string;
  readonly engine: string;
  /** Absent where the measurements do not say. */
  readonly version: string | undefined;
  readonly precision: string;
  readonly family: string;
  readonly mode: string;
  /** Absent for the group of all its models. */
  readonly model: string | undefined;
  readonly n: number;
  /** Per cent, of TPOT. */
  readonly mape: number;
  readonly how: string;
  readonly note: string;
  readonly scalars: StepTimeScalars;
}

/** A group below or above these says too little of what it was not fitted on: unstable runs, unknown settings. */
const LEAST_ROWS = 10;
const WORST_MAPE = 25;
/** Of all dense rows, a whole model left out of the fit; of all others, in three folds (docs/step-time-fit.md, 4). */
const POOLED_ERROR: Readonly<Record<ModelFamily, { readonly n: number; readonly mape: number }>> = {
  dense: { n: 672, mape: 18.9 },
  moe: { n: 1_882, mape: 7.3 },
  mla: { n: 1_882, mape: 7.3 },
};
/** Below it a link is PCIe: its collectives go through host memory. */
const PCIE_BANDWIDTH = 100e9;
/** Assumed: NCCL over PCIe; it explains the 19 % that a roofline without it lacks on two RTX PRO 6000. */
const PCIE_COLLECTIVE_MICROS = 30;
const SOURCE = `${table.source}; ${table.fitDate}`;

/** Devices without a fit: priors of the fit, from published simulators and operator tables. */
const DATASHEET: StepTimeScalars = scalarsOf('1500 20 10 0.55 0.85 0.3 0.5 0.5 0.5 8 0.4 10 0 2');
/** Assumed; no published measurement is at hand. Cores share one memory: there is nothing to launch or to exchange. */
const CPU: StepTimeScalars = scalarsOf('1000 0 0 0.5 0.6 0.5 0.6 0.5 0.3 0 1 0 0 2');

/** What is nearest to what was asked: of the pooled sets, another line of chips, engine or precision. */
const NEAR_GENERATIONS: Readonly<Record<string, readonly string[]>> = {
  hopper: ['hopper', 'blackwell'],
  blackwell: ['blackwell', 'hopper'],
  ada: ['hopper', 'blackwell'],
  ampere: ['hopper', 'blackwell'],
};
const NEAR_PRECISIONS: Readonly<Record<Precision, readonly string[]>> = {
  bf16: ['bf16', 'fp8', 'int4', 'fp4'],
  fp8: ['fp8', 'bf16', 'fp4', 'int4'],
  int8: ['fp8', 'bf16', 'fp4', 'int4'],
  fp4: ['fp4', 'fp8', 'int4', 'bf16'],
  int4: ['int4', 'fp4', 'fp8', 'bf16'],
};

const POOLED: readonly Pooled[] = table.pooled.map((row) => {
  const [engine, generation, precision, family, scalars] = row.split(',') as [string, string, string, string, string];
  return { engine, generation, precision, family, scalars: scalarsOf(scalars) };
});

/** Every group of the fit. */
export const FIT_GROUPS: readonly FitGroup[] = table.groups.map((row) => {
  const cells = row.split(',');
  const [accelerator, engine, version, precision, family, mode, model, n, mape, , how, note, scalars] =
    cells as string[];
  return {
    accelerator: accelerator!,
    engine: engine!,
    version: version === '' ? undefined : version,
    precision: precision!,
    family: family!,
    mode: mode!,
    model: model === '' ? undefined : model,
    n: Number(n),
    mape: Number(mape),
    how: how!,
    note: note!,
    scalars: scalarsOf(scalars!),
  };
});

/**
 * The scalars for an engine on a device: those of the group of this model, of its group without the model, pooled
 * over everything, carried over from the nearest line of chips, or a datasheet's.
 */
export function stepTimeFit(query: FitQuery): StepTimeFit {
  const { accelerator, precision, model } = query;
  const group = groupOf(query);
  const fit = group === undefined ? pooledFit(query) : fitOf(group, model);
  if (supports(accelerator, precision)) return fit;
  const source = `${accelerator.id} does not compute in ${precision}: weights are widened. ${fit.evidence.source}`;
  return { scalars: fit.scalars, evidence: { tier: 'unsupported', source } };
}

/** The group that is asked for, the best founded first where several are as near. */
function groupOf({ accelerator, engine, version, precision, model }: FitQuery): FitGroup | undefined {
  const near = FIT_GROUPS.filter(
    (group) =>
      group.accelerator === accelerator.id &&
      group.engine === engine &&
      group.precision === precision &&
      group.family === model.family,
  );
  const asked = near.filter((group) => version !== undefined && group.version === version);
  const sound = near.filter(({ n, mape, how }) => how !== '3 folds' || (n >= LEAST_ROWS && mape <= WORST_MAPE));
  const byEvidence = (a: FitGroup, b: FitGroup): number => b.n - a.n;
  for (const rows of [asked, sound]) {
    const ranked = rows.toSorted(byEvidence);
    const found =
      ranked.find((group) => group.model === model.id) ??
      ranked.find((group) => group.model === undefined) ??
      ranked[0];
    if (found !== undefined) return found;
  }
  return undefined;
}

function fitOf(group: FitGroup, model: Model): StepTimeFit {
  const { accelerator, engine, version, precision, n, mape, how, note } = group;
  const named = [accelerator, engine, version, precision, group.model ?? `${group.family} models`];
  const other = group.model === undefined || group.model === model.id ? '' : `, used for ${model.id}`;
  const source = `${named.filter((part) => part !== undefined).join(' ')} (${how})${other}: ${note || SOURCE}`;
  // What was measured is another model: its scalars are carried over, and so is no error.
  if (other !== '') return derived(group.scalars, source);
  return { scalars: group.scalars, evidence: { tier: 'fitted', n, mape, source } };
}

/** Host costs come from the nearest engine, shares of the peak from the nearest precision; both of near chips. */
function pooledFit({ accelerator, engine, precision, model }: FitQuery): StepTimeFit {
  const { generation, id } = accelerator;
  if (generation === 'cpu') return derived(CPU, 'assumed for CPUs; no measurement is at hand');
  if (generation === 'ascend') return ascendFit(accelerator, precision);
  const generations = NEAR_GENERATIONS[generation];
  if (generations === undefined)
    return derived(DATASHEET, `no fit for ${generation}: priors of the fit on ${id}'s peaks`);
  const rank = (list: readonly string[], value: string): number => list.indexOf(value);
  const precisions = NEAR_PRECISIONS[precision];
  const family = POOLED.filter((row) => row.family === model.family);
  const distance = (row: Pooled, engineWeight: number, precisionWeight: number): number =>
    (row.engine === engine ? 0 : engineWeight) +
    rank(precisions, row.precision) * precisionWeight +
    rank(generations, row.generation) * 2;
  const nearest = (engineWeight: number, precisionWeight: number): Pooled =>
    family.reduce((best, row) =>
      distance(row, engineWeight, precisionWeight) < distance(best, engineWeight, precisionWeight) ? row : best,
    );
  const host = nearest(100, 1);
  const peak = nearest(1, 100);
  const { stepMicros, layerMicros, sequenceMicros, frontEndMillis, tokensPerStep } = host.scalars;
  const mixed = { ...peak.scalars, stepMicros, layerMicros, sequenceMicros, frontEndMillis, tokensPerStep };
  const pcie = accelerator.linkBandwidth < PCIE_BANDWIDTH;
  const scalars = pcie ? { ...mixed, collectiveMicros: PCIE_COLLECTIVE_MICROS } : mixed;
  const exact = host === peak && distance(host, 1, 1) === 0;
  const { n, mape } = POOLED_ERROR[model.family];
  if (exact) {
    const source = `pooled for ${engine} ${precision} on ${generation}, ${model.family} models: ${SOURCE}`;
    return { scalars, evidence: { tier: 'fitted', n, mape, source } };
  }
  const named = (row: Pooled): string => `${row.engine} ${row.precision} on ${row.generation}`;
  const from = host === peak ? named(host) : `host costs of ${named(host)}, shares of the peak of ${named(peak)}`;
  return derived(scalars, `no ${engine} ${precision} fit for ${generation}: pooled ${from} (${table.fitDate})`);
}

/** The one fitted device stands for all: what differs between engine versions is larger than what differs between parts. */
function ascendFit({ id }: Accelerator, precision: Precision): StepTimeFit {
  const { scalars, note } = FIT_GROUPS.find(({ accelerator }) => accelerator === 'ascend-910b')!;
  return derived(scalars, `carried over to ${precision} on ${id} from the bf16 few-point fit of the 910B (${note})`);
}

function derived(scalars: StepTimeScalars, source: string): StepTimeFit {
  return { scalars, evidence: { tier: 'derived', source } };
}

/** int4 and fp4 weights without such an operand are usual (weight-only kernels); fp8 and int8 mean activations too. */
function supports(device: Accelerator, precision: Precision): boolean {
  if (precision === 'fp8') return device.fp8Flops !== undefined;
  return precision !== 'int8' || device.int8Ops !== undefined;
}

/** Reads a row's scalars, in the order of the table's header. */
function scalarsOf(row: string): StepTimeScalars {
  const values = row.split(' ').map(Number);
  const at = (name: string): number => values[table.scalars.split(' ').indexOf(name)]!;
  return {
    stepMicros: at('t0'),
    layerMicros: at('t1'),
    sequenceMicros: at('ts'),
    compute: at('ec'),
    expertCompute: at('emc'),
    weights: at('eb'),
    expertWeights: at('em'),
    attention: at('ea'),
    attentionCompute: at('eap'),
    collectiveMicros: at('al'),
    link: at('el'),
    elementwise: at('ew'),
    frontEndMillis: at('tf'),
    tokensPerStep: at('mt'),
  };
}
