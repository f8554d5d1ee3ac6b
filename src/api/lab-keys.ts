import type { LabDescription, World } from '../lab/index.ts';
import { apiKeyFor, keyDigest, type Operation, type Service } from '../platform/index.ts';

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

/** A key's name and text. */
export interface NamedKey {
  readonly name: string;
  readonly key: string;
}

/** Those that a service was made with. They stay bound to it, whatever it asks its callers for by now. */
export function ownKeys({ seed, services }: LabDescription, { index, name: service }: Service): NamedKey[] {
  const { auth } = services[index]!;
  const keys = auth.kind === 'api-key' ? auth.keys : [];
  return keys.map(({ name }) => ({ name, key: apiKeyFor(seed, service, name) }));
}

/**
 * The text of a key that a service was made with, by default the first; empty when it was made without any.
 * @throws when it has none of that name
 */
export function ownKey({ description }: World, service: Service, keyName: string | undefined): string {
  const known = ownKeys(description, service);
  if (keyName === undefined) return known[0]?.key ?? '';
  const found = known.find(({ name }) => name === keyName);
  if (found !== undefined) return found.key;
  throw new Error(`No API key "${keyName}" of "${service.name}"; there are ${namesOf(known)}`);
}

/** Those that the timeline creates, each once, in its order; they are good for something from then on. */
export function plannedKeys({ description, timeline }: World): NamedKey[] {
  return keysOf(
    timeline.flatMap((entry) => ('operation' in entry ? [entry.operation] : [])),
    description.seed,
  );
}

/**
 * The text of a key that the timeline creates, or an operator has created by its name alone; whether it opens
 * anything by now is the platform's to say.
 * @throws when there is none of that name
 */
export function createdKey(world: World, name: string): string {
  const asked = world.operations.flatMap(({ operation, refusal }) => (refusal === undefined ? [operation] : []));
  const known = [...plannedKeys(world), ...keysOf(asked, world.description.seed)];
  const found = known.find((each) => each.name === name);
  if (found !== undefined) return found.key;
  throw new Error(`No API key "${name}" is created; there are ${namesOf(known)}`);
}

/** Of the keys that are created those whose text goes with their name; whoever gave a digest knows the text. */
function keysOf(operations: readonly Operation[], seed: number): NamedKey[] {
  const names = operations.flatMap((each) =>
    each.kind === 'create-key' && each.digest === digestOf(seed, each.name) ? [each.name] : [],
  );
  return [...new Set(names)].map((name) => ({ name, key: apiKeyFor(seed, null, name) }));
}

function namesOf(keys: readonly NamedKey[]): string {
  return [...new Set(keys.map(({ name }) => name))].join(', ') || 'none';
}

function digestOf(seed: number, name: string): string {
  return keyDigest(seed, apiKeyFor(seed, null, name));
}
