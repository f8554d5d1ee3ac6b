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
  if (read instanceof WireError) return { to, ...credentials, bodyBytes, promptTokens: 0, invalid: read.status };
  const { prompts, request } = read as Generation | Pooling;
  const counted = prompts.map((prompt) => callPrompt(service, prompt, request));
  const several = counted.length > 1;
  const generation = isGeneration(read) ? read : undefined;
  const { maxTokens, minTokens = 0, ignoreEos = false, n = 1, stream = true } = generation?.request ?? {};
  // All in one, what is at its default as undefined: a call is made for every request, and objects that grow are dear.
  return {
    to,
    key: credentials.key,
    token: credentials.token,
    clientIp: credentials.clientIp,
    privateConnection: credentials.privateConnection,
    connection: credentials.connection,
    bodyBytes,
    promptTokens: counted.reduce((sum, { tokens }) => sum + tokens, 0),
    prompts: several ? counted : undefined,
    prefix: several ? undefined : counted[0]!.prefix,
    model: request.model,
    priority: request.priority === 0 ? undefined : request.priority,
    pooling: generation === undefined ? true : undefined,
    maxTokens,
    minTokens: minTokens > 0 ? minTokens : undefined,
    ignoreEos: ignoreEos ? true : undefined,
    n: n > 1 ? n : undefined,
    streamed: stream ? undefined : false,
    leastTokens: generation && leastTokens(generation, facts.seed, facts.number),
  };
}

function isGeneration(read: object): read is Generation {
  return 'n' in (read as Generation).request;
}

/** A prompt, and what it may share where the service's engines cache prefixes. */
function callPrompt(
  service: Service,
  { tokens, shared }: CountedPrompt,
  { cacheSalt }: Partial<SamplingRequest>,
): CallPrompt {
  const unitTokens = prefixUnitOf(service);
  const hashes = unitTokens === undefined ? [] : prefixHashes(shared, unitTokens, cacheSalt);
  return hashes.length === 0 ? { tokens } : { tokens, prefix: { unitTokens: unitTokens!, hashes } };
}

/** The tokens in a unit of the first prefix cache among a service's engines; undefined where there is none. */
function prefixUnitOf({ spec }: Service): number | undefined {
  for (const { units } of spec.deployments) {
    for (const { engine } of units) if (engine?.prefixUnitTokens !== undefined) return engine.prefixUnitTokens;
  }
  return undefined;
}
