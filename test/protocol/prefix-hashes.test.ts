import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countTokens, prefixHashes, tokenCuts } from '../../src/protocol/index.ts';

const prose = fc.array(fc.constantFrom('a', 'table ', ' extraordinarily', '  ', '42', '12345', '界', '!', '😀', '\n'), {
  maxLength: 60,
});

describe('the units of a prompt', () => {
  test('end where their tokens do', () => {
    fc.assert(
      fc.property(prose, fc.integer({ min: 1, max: 7 }), (parts, every) => {
        const text = parts.join('');
        const cuts = tokenCuts(text, every);
        expect(cuts).toHaveLength(Math.floor(countTokens(text) / every));
        for (const [index, cut] of cuts.entries()) expect(cut).toBeGreaterThan(index === 0 ? 0 : cuts[index - 1]!);
      }),
    );
  });

  test('have equal names as far as prompts begin alike, and no further', () => {
    const system = 'You are a careful assistant. '.repeat(20);
    const one = prefixHashes(`${system}What is a pod?`, 16);
    const other = prefixHashes(`${system}Tell me about nodes, and about the pods on them.`, 16);
    const shared = Math.floor(countTokens(system) / 16);
    expect(shared).toBeGreaterThan(3);
    expect(one.slice(0, shared)).toEqual(other.slice(0, shared));
    expect(one.slice(shared).some((hash) => other.includes(hash))).toBe(false);
  });

  test('are kept apart by a salt', () => {
    const text = 'The same prompt for two tenants, long enough for a unit or two of tokens. '.repeat(4);
    const mine = prefixHashes(text, 16, 'mine');
    expect(mine).toEqual(prefixHashes(text, 16, 'mine'));
    expect(mine.some((hash) => prefixHashes(text, 16, 'yours').includes(hash))).toBe(false);
  });
});
