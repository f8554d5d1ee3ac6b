import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

const KEY_PREFIX = 'sk-';
const KEY_DIGITS = 40;

/**
 * The plain text of an API key: fixed by the seed, the service and the key's name, so that a scenario's clients can
 * be told it beforehand. Only shells call this; the core knows keys by {@link keyDigest}.
 */
export function apiKeyFor(seed: number, service: string, keyName: string): string {
  return KEY_PREFIX + sha256Hex(`${seed}/api-key/${service}/${keyName}`).slice(0, KEY_DIGITS);
}

/** The digest by which the core recognises a key, 64 hexadecimal digits; the journal holds it, never the plain text. */
export function keyDigest(seed: number, plaintext: string): string {
  return sha256Hex(`${seed}/digest/${plaintext}`);
}

function sha256Hex(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}
