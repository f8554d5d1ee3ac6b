import { assert } from '../kernel/index.ts';

/** Bounds of a sentence, in words, and how often a comma stands between two words well inside one. */
const SENTENCE_WORDS = { min: 5, max: 14 };
const COMMA_CHANCE = 1 / 9;
const WORDS_AROUND_COMMA = 2;

/** A word that is one token whether or not a space stands before it, and still is with a capital. */
const ONE_TOKEN_WORD = /^[A-Za-z]{1,8}$/;

/**
 * A plausible English reply of exactly `count` tokens, one piece a token: joined, the first k pieces count k under
 * `countTokens`. Words of more than 8 letters or with anything but ASCII letters are passed over. A reply of two
 * tokens or more ends with a full stop; up to there a longer reply begins as the shorter one does.
 *
 * @param words where words come from; at least one must be of one token
 * @param uniform draws from [0, 1); the reply is a function of what it gives
 */
export function replyPieces(words: readonly string[], count: number, uniform: () => number): string[] {
  const pieces: string[] = [];
  let sentence = { at: 0, words: 0 };
  let afterMark = true;
  while (pieces.length < count) {
    const left = count - pieces.length;
    // No mark on the last piece but one: it would leave the last a full stop after a mark.
    const mark = left === 1 && pieces.length > 0 ? '.' : afterMark || left === 2 ? '' : markAfter(sentence, uniform);
    if (mark !== '') {
      pieces.push(mark);
      if (mark === '.') sentence = { at: 0, words: 0 };
      afterMark = true;
      continue;
    }
    if (sentence.at === 0) sentence.words = between(SENTENCE_WORDS, uniform);
    const word = nextWord(words, Math.floor(uniform() * words.length));
    const cased = sentence.at === 0 ? word.charAt(0).toUpperCase() + word.slice(1) : word;
    pieces.push(pieces.length === 0 ? cased : ` ${cased}`);
    sentence.at++;
    afterMark = false;
  }
  return pieces;
}

function markAfter(sentence: { readonly at: number; readonly words: number }, uniform: () => number): string {
  if (sentence.at >= sentence.words) return '.';
  const inside = sentence.at >= WORDS_AROUND_COMMA && sentence.words - sentence.at >= WORDS_AROUND_COMMA;
  return inside && uniform() < COMMA_CHANCE ? ',' : '';
}

function between({ min, max }: { readonly min: number; readonly max: number }, uniform: () => number): number {
  return min + Math.floor(uniform() * (max - min + 1));
}

/** The first word of one token from there on, around the end of the list. */
function nextWord(words: readonly string[], from: number): string {
  for (let step = 0; step < words.length; step++) {
    const word = words[(from + step) % words.length] as string;
    if (ONE_TOKEN_WORD.test(word)) return word;
  }
  assert(false, 'a reply needs at least one word of 1 to 8 ASCII letters');
}
