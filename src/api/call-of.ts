import type { Call, CallPrompt } from '../gateway/index.ts';
import type { Service } from '../platform/index.ts';
import { prefixHashes, type SamplingRequest, WireError } from '../protocol/index.ts';
import { type Generation, leastTokens } from './generation.ts';
import type { Caller } from './language-model.ts';
import type { CountedPrompt, ReadBody } from './operations.ts';
import type { Pooling } from './pooling.ts';

type Mutable<Of> = { -readonly [Key in keyof Of]: Of[Key] };

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
  // Set one by one: a call is made for every request, and spreading what is there only now and then costs far more.
  const call: Mutable<Call> = { ...from, promptTokens: counted.reduce((sum, { tokens }) => sum + tokens, 0) };
  const { prefix } = counted[0]!;
  if (counted.length > 1) call.prompts = counted;
  else if (prefix !== undefined) call.prefix = prefix;
  if (model !== undefined) call.model = model;
  if (priority !== 0) call.priority = priority;
  if (isGeneration(read)) tellGeneration(call, read, facts);
  else call.pooling = true;
  return call;
}

function isGeneration(read: object): read is Generation {
  return 'n' in (read as Generation).request;
}

function tellGeneration(call: Mutable<Call>, generation: Generation, { seed, number }: Facts): void {
  const { maxTokens, minTokens, ignoreEos, n, stream } = generation.request;
  const least = leastTokens(generation, seed, number);
  if (maxTokens !== undefined) call.maxTokens = maxTokens;
  if (minTokens > 0) call.minTokens = minTokens;
  if (ignoreEos) call.ignoreEos = true;
  if (n > 1) call.n = n;
  if (!stream) call.streamed = false;
  if (least !== undefined) call.leastTokens = least;
}

/** A prompt, and what it may share where the service's engines cache prefixes. */
function callPrompt(
  service: Service,
  { tokens, shared }: CountedPrompt,
  { cacheSalt }: Partial<SamplingRequest>,
): CallPrompt {
  const units = service.spec.deployments.flatMap((deployment) => deployment.units);
  const unitTokens = units.find(({ engine }) => engine?.prefixUnitTokens !== undefined)?.engine?.prefixUnitTokens;
  const hashes = unitTokens === undefined ? [] : prefixHashes(shared, unitTokens, cacheSalt);
  return hashes.length === 0 ? { tokens } : { tokens, prefix: { unitTokens: unitTokens!, hashes } };
}
