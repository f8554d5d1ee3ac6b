import { hexDigest } from './hex-digest.ts';

const KEY_PREFIX = 'sk-';
const KEY_DIGITS = 40;

/**
 * The plain text of an API key: fixed by the seed, the service and the key's name, so that a scenario's clients can
 * be told it beforehand. Only shells call this; the core knows keys by {@link keyDigest}.
 * @param service whose key it is from the beginning; null: of none, an operator creates it
 */
export function apiKeyFor(seed: number, service: string | null, keyName: string): string {
  return KEY_PREFIX + hexDigest(`${seed}/api-key/${service ?? ''}/${keyName}`).slice(0, KEY_DIGITS);
}

/**
 * The digest by which the core recognises a key or a token, 64 hexadecimal digits of SHA-256; the journal holds it, never
 * the plain text. Keys and tokens have 160 random bits and more, so nobody gets from a digest to what it is of; and to
 * look one up by its digest, in whatever time that takes, tells nothing of the plain text: who tries texts cannot steer
 * their digests towards one that is known.
 */
export function keyDigest(seed: number, plaintext: string): string {
  return hexDigest(`${seed}/digest/${plaintext}`);
}
