import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countTokens, replyPieces } from '../../src/protocol/index.ts';

const WORDS = ['alpha', 'be', 'simulate', 'journal', 'straightforward', "don't", 'é'];

/** A draw that repeats a list of numbers. */
function cycle(numbers: readonly number[]): () => number {
  let at = 0;
  return () => numbers[at++ % numbers.length] as number;
}

const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 });
const counts = fc.integer({ min: 1, max: 400 });

describe('the text of a reply', () => {
  test('has one piece a token, and joined it counts what was asked for', () => {
    fc.assert(
      fc.property(counts, draws, (count, numbers) => {
        const pieces = replyPieces(WORDS, count, cycle(numbers));
        expect(pieces).toHaveLength(count);
        expect(pieces.every((piece) => countTokens(piece) === 1)).toBe(true);
        expect(countTokens(pieces.join(''))).toBe(count);
      }),
    );
  });

  test('counts k tokens after k pieces, so that a cut stream counts what was sent', () => {
    fc.assert(
      fc.property(counts, draws, fc.nat(), (count, numbers, cut) => {
        const kept = cut % (count + 1);
        const pieces = replyPieces(WORDS, count, cycle(numbers)).slice(0, kept);
        expect(countTokens(pieces.join(''))).toBe(kept);
      }),
    );
  });

  test('is made of sentences: a capital first, a full stop last, no mark after a mark', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 400 }), draws, (count, numbers) => {
        expect(replyPieces(WORDS, count, cycle(numbers)).join('')).toMatch(
          /^[A-Z][a-z]*(?:,? [a-z]+|\. [A-Z][a-z]*)*\.$/,
        );
      }),
    );
  });

  test('is the same for the same draws', () => {
    const numbers = [0.1, 0.7, 0.3, 0.9, 0.05];
    expect(replyPieces(WORDS, 50, cycle(numbers))).toEqual(replyPieces(WORDS, 50, cycle(numbers)));
  });

  test('of no tokens is empty', () => {
    expect(replyPieces(WORDS, 0, () => 0)).toEqual([]);
  });

  test('cannot be made without a word of one token', () => {
    expect(() => replyPieces(['straightforward'], 1, () => 0)).toThrow('1 to 8 ASCII letters');
    expect(() => replyPieces([], 1, () => 0)).toThrow('1 to 8 ASCII letters');
  });
});
