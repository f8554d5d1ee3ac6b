import { faker } from '@faker-js/faker/locale/en';
import { Chance } from '../kernel/index.ts';
import { replyPieces } from '../protocol/index.ts';

/** English words for answers to be made of. */
const WORDS: readonly string[] = vocabulary();

/** An answer's text, one piece a token: a function of the seed, the request's number and the answer's length alone. */
export function replyText(seed: number, request: number, tokens: number): string[] {
  return replyPieces(WORDS, tokens, new Chance(seed).stream(`reply-text/${request}`));
}

function vocabulary(): string[] {
  const { word } = faker.definitions;
  const words = [...word.noun, ...word.verb, ...word.adjective, ...word.preposition];
  return words.filter((each) => /^[a-z]{2,8}$/.test(each));
}
