import type { World } from '../lab/index.ts';
import { apiKeyFor, keyDigest, type Operation, type ServiceSpec } from '../platform/index.ts';

/** The texts of API keys: they follow from the seed, the service whose they are, if any, and the key's name. */

type KeyCreation = Operation & { readonly kind: 'create-key' };

/** What an operator asks for. A key that is created without a digest gets the text that goes with its name. */
export type LabOperation =
  | Exclude<Operation, KeyCreation>
  | (Omit<KeyCreation, 'digest'> & Partial<Pick<KeyCreation, 'digest'>>);

/** The operation as the core takes it: it knows keys by their digests. */
export function digested(operation: LabOperation, seed: number): Operation {
  if (operation.kind !== 'create-key') return operation;
  return { ...operation, digest: operation.digest ?? digestOf(seed, operation.name) };
}

/**
 * The text of a key that a service was made with, by default the first; empty when it asks for none.
 * @throws when it has none of that name
 */
export function ownKey({ name, auth }: ServiceSpec, seed: number, keyName: string | undefined): string {
  const known = auth.kind === 'api-key' ? auth.keys.map((key) => key.name) : [];
  if (keyName !== undefined && !known.includes(keyName)) {
    throw new Error(`No API key "${keyName}" of "${name}"; there are ${known.join(', ') || 'none'}`);
  }
  const key = keyName ?? known[0];
  return key === undefined ? '' : apiKeyFor(seed, name, key);
}

/**
 * The text of a key that the timeline creates, or an operator has created by its name alone; whether it opens
 * anything by now is the platform's to say.
 * @throws when there is none of that name
 */
export function createdKey({ description, operations }: World, name: string): string {
  const { seed, timeline } = description;
  const planned = timeline.flatMap((entry) => ('operation' in entry ? [entry.operation] : []));
  const asked = operations.flatMap(({ operation, refusal }) => (refusal === undefined ? [operation] : []));
  const known = [...planned, ...asked].flatMap((each) =>
    each.kind === 'create-key' && each.digest === digestOf(seed, each.name) ? [each.name] : [],
  );
  if (known.includes(name)) return apiKeyFor(seed, null, name);
  throw new Error(`No API key "${name}" is created; there are ${[...new Set(known)].join(', ') || 'none'}`);
}

function digestOf(seed: number, name: string): string {
  return keyDigest(seed, apiKeyFor(seed, null, name));
}
