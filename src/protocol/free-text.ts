import { replyPieces } from './reply-text.ts';
import { isOneToken } from './token-text.ts';

/** How many other words are tried for a place where a stop string would come about. */
const TRIES = 32;

/** A Han character is one token wherever it stands, and there are many: some are in no stop string. */
const HAN = { first: 0x4e00, last: 0x9fff };

/**
 * A plausible reply of exactly `count` tokens, one piece a token, that contains none of the stop strings. Without stop
 * strings it is {@link replyPieces}; with them, a piece that would complete one gives way to another word, and where
 * words cannot avoid it (a space, say, or every vowel) to a Han character. Only stop strings that between them hold
 * every Han character would be let through.
 */
export function freeText(
  words: readonly string[],
  count: number,
  stops: readonly string[],
  uniform: () => number,
): string[] {
  const wanted = replyPieces(words, count, uniform);
  if (stops.length === 0 || !stops.some((stop) => wanted.join('').includes(stop))) return wanted;
  const reach = Math.max(...stops.map((stop) => stop.length)) - 1;
  const refuge = refugeFrom(stops);
  let tail = '';
  return wanted.map((piece, at) => {
    const fits = (text: string): boolean => isOneToken(text) && !stops.some((stop) => (tail + text).includes(stop));
    const chosen = fits(piece) ? piece : (otherWord(words, at === 0, fits, uniform) ?? refuge);
    tail = reach === 0 ? '' : (tail + chosen).slice(-reach);
    return chosen;
  });
}

function otherWord(
  words: readonly string[],
  first: boolean,
  fits: (text: string) => boolean,
  uniform: () => number,
): string | undefined {
  for (let tries = 0; tries < TRIES; tries++) {
    const word = words[Math.floor(uniform() * words.length)] as string;
    const piece = first ? word : ` ${word}`;
    if (/^ ?[A-Za-z]{1,8}$/.test(piece) && fits(piece)) return piece;
  }
  return undefined;
}

function refugeFrom(stops: readonly string[]): string {
  const taken = new Set(stops.join(''));
  for (let code = HAN.first; code <= HAN.last; code++) {
    const char = String.fromCharCode(code);
    if (!taken.has(char)) return char;
  }
  return String.fromCharCode(HAN.first);
}
