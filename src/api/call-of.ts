import type { Call, CallPrompt } from '../gateway/index.ts';
import type { Service } from '../platform/index.ts';
import { prefixHashes, type SamplingRequest, WireError } from '../protocol/index.ts';
import { type Generation, leastTokens } from './generation.ts';
import type { Caller } from './language-model.ts';
import type { CountedPrompt, ReadBody } from './operations.ts';
import type { Pooling } from './pooling.ts';

/** What a call is told of beside its body. */
interface Facts {
  readonly seed: number;
  /** The number that its request is going to have. */
  readonly number: number;
  readonly bodyBytes: number;
}

/** What the simulation is told of a request: counts and digests. */
export function callOf(read: ReadBody, { to, service, credentials }: Caller, facts: Facts): Call {
  const { bodyBytes } = facts;
  const from = { to, ...credentials, bodyBytes };
  if (read instanceof WireError) return { ...from, promptTokens: 0, invalid: read.status };
  const { request, prompts } = read as Generation | Pooling;
  const { model, priority = 0 } = request;
  const counted = prompts.map((prompt) => callPrompt(service, prompt, request));
  const { tokens: promptTokens, prefix } = counted[0]!;
  return {
    ...from,
    ...(counted.length > 1
      ? { promptTokens: counted.reduce((sum, { tokens }) => sum + tokens, 0), prompts: counted }
      : { promptTokens, ...(prefix === undefined ? {} : { prefix }) }),
    ...(model === undefined ? {} : { model }),
    ...(priority === 0 ? {} : { priority }),
    ...(isGeneration(read) ? generationOf(read, facts) : { pooling: true }),
  };
}

function isGeneration(read: object): read is Generation {
  return 'n' in (read as Generation).request;
}

function generationOf(generation: Generation, { seed, number }: Facts): Partial<Call> {
  const { maxTokens, minTokens, ignoreEos, n, stream } = generation.request;
  const least = leastTokens(generation, seed, number);
  return {
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(minTokens > 0 ? { minTokens } : {}),
    ...(ignoreEos ? { ignoreEos } : {}),
    ...(n > 1 ? { n } : {}),
    ...(stream ? {} : { streamed: false }),
    ...(least === undefined ? {} : { leastTokens: least }),
  };
}

/** A prompt, and what it may share where the service's engines cache prefixes. */
function callPrompt(
  service: Service,
  { tokens, shared }: CountedPrompt,
  { cacheSalt }: Partial<SamplingRequest>,
): CallPrompt {
  const units = service.spec.deployments.flatMap((deployment) => deployment.units);
  const unitTokens = units.find(({ engine }) => engine.prefixUnitTokens !== undefined)?.engine.prefixUnitTokens;
  const hashes = unitTokens === undefined ? [] : prefixHashes(shared, unitTokens, cacheSalt);
  return hashes.length === 0 ? { tokens } : { tokens, prefix: { unitTokens: unitTokens!, hashes } };
}
