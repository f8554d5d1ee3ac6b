import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { tokenCuts } from './tokens.ts';

/**
 * The names of a prompt's prefix units: for every `unitTokens` tokens a hash of everything up to there, so that equal
 * hashes mean equal beginnings. A last unit that is not full has no name. 48 bits each, safe as a number.
 * @param salt keeps prompts of different tenants apart (vLLM's `cache_salt`)
 */
export function prefixHashes(text: string, unitTokens: number, salt = ''): number[] {
  const hashes: number[] = [];
  let digest = sha256(utf8ToBytes(salt));
  let from = 0;
  for (const cut of tokenCuts(text, unitTokens)) {
    digest = sha256(concatBytes(digest, utf8ToBytes(text.slice(from, cut))));
    from = cut;
    const view = new DataView(digest.buffer, digest.byteOffset);
    hashes.push(view.getUint16(0) * 2 ** 32 + view.getUint32(2));
  }
  return hashes;
}
