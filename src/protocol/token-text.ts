import { countTokens, tokenCuts } from './tokens.ts';

/** A text cut into its tokens: joined they are the text, and the first k of them count k. */
export function tokenPieces(text: string): string[] {
  let from = 0;
  return tokenCuts(text, 1).map((cut) => {
    const piece = text.slice(from, cut);
    from = cut;
    return piece;
  });
}

/** Pieces of exactly that number: cut, or filled up with tokens that show no text, as special tokens do. */
export function fitPieces(pieces: readonly string[], count: number): string[] {
  return Array.from({ length: count }, (_, at) => pieces[at] ?? '');
}

/** Where the first of the stop strings begins in a text, and which it is; the longest of those that begin there. */
export function findStop(text: string, stops: readonly string[]): { at: number; stop: string } | undefined {
  let found: { at: number; stop: string } | undefined;
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at < 0) continue;
    if (found === undefined || at < found.at || (at === found.at && stop.length > found.stop.length)) {
      found = { at, stop };
    }
  }
  return found;
}

/** The pieces as far as that index of their text; what comes after shows no text. */
export function cutPieces(pieces: readonly string[], at: number): string[] {
  let before = 0;
  return pieces.map((piece) => {
    const kept = piece.slice(0, Math.max(0, at - before));
    before += piece.length;
    return kept;
  });
}

/** How many token numbers there are: Qwen's vocabulary. */
export const VOCABULARY = 151_936;

/** A token's number: a hash of its text (FNV-1a), since no vocabulary is at hand. */
export function tokenId(piece: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < piece.length; at++) hash = Math.imul(hash ^ piece.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % VOCABULARY;
}

/** Whether a text can stand after any other and still counts as it does alone: it begins as no run goes on. */
export function isOneToken(text: string): boolean {
  return countTokens(text) === 1;
}
