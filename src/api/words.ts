import { faker } from '@faker-js/faker/locale/en';

/** English words for answers to be made of. */
export const WORDS: readonly string[] = vocabulary();

function vocabulary(): string[] {
  const { word } = faker.definitions;
  const words = [...word.noun, ...word.verb, ...word.adjective, ...word.preposition];
  return words.filter((each) => /^[a-z]{2,8}$/.test(each));
}
