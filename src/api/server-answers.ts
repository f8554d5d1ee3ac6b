import type { Micros } from '../kernel/index.ts';
import type { World } from '../lab/index.ts';
import type { UnitReplica } from '../platform/index.ts';
import { loadBody, modelList, serverInfoBody, versionBody } from '../protocol/index.ts';
import { ReadyExchange } from './exchange.ts';
import { podMetrics } from './pod-metrics.ts';

/**
 * The vLLM whose surface is served, where the scenario names none: one that has `reasoning` in its answers, names the
 * parameter of a wrong model and counts tokens of Anthropic's messages.
 */
const VLLM_VERSION = '0.19.0';

/** Where a question without a body is put, and to whom. */
export interface Asked {
  readonly at: Micros;
  readonly world: World;
  readonly replica: UnitReplica;
  /** What follows the path, without the question mark. */
  readonly query: string;
}

type ServerAnswer = (asked: Asked) => ReadyExchange;

const healthy: ServerAnswer = ({ at }) => new ReadyExchange(at, 200, {}, '');

/** What an engine's server answers to GET, once it has loaded its model. */
export const SERVER_ANSWERS: ReadonlyMap<string, ServerAnswer> = new Map<string, ServerAnswer>([
  ['/health', healthy],
  ['/ping', healthy],
  ['/metrics', podMetrics],
  ['/version', ({ at, replica }) => ReadyExchange.json(at, 200, versionBody(versionOf(replica)))],
  ['/load', ({ at, replica }) => ReadyExchange.json(at, 200, loadBody(replica.load))],
  ['/server_info', ({ at, replica }) => ReadyExchange.json(at, 200, serverInfoBody(configOf(replica)))],
  ['/v1/models', ({ at, world, replica }) => models(at, world, [replica])],
]);

/** The models that some replicas serve between them. */
export function models(at: Micros, world: World, replicas: readonly UnitReplica[]): ReadyExchange {
  const created = Math.floor(world.description.epoch / 1_000);
  const served = new Map(
    replicas.map(({ modelUnit: { servedModelName: id, engine } }) => [
      id,
      { id, created, maxModelLen: engine.maxModelLen },
    ]),
  );
  return ReadyExchange.json(at, 200, modelList([...served.values()]));
}

function versionOf({ modelUnit: { engine } }: UnitReplica): string {
  return engine.version ?? VLLM_VERSION;
}

function configOf({
  modelUnit: unit,
  modelEngine: engine,
}: UnitReplica): Readonly<Record<string, string | number | boolean>> {
  const { spec } = engine!;
  return {
    model: unit.model.id,
    served_model_name: unit.servedModelName,
    dtype: unit.engine.precision ?? 'bf16',
    max_seq_len: spec.maxModelLen,
    max_num_seqs: spec.maxNumSeqs,
    max_num_batched_tokens: spec.maxNumBatchedTokens,
    block_size: spec.blockSize,
    num_gpu_blocks: spec.kvBlocks,
    enable_prefix_caching: spec.prefixUnitTokens !== undefined,
  };
}
