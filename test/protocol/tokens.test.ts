import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countChatTokens, countPromptTokens, countTokens } from '../../src/protocol/index.ts';

describe('counting tokens', () => {
  test.each([
    ['', 0],
    ['a', 1],
    ['simulate', 1],
    ['simulated', 2],
    [' simulate', 1],
    ['  simulate', 2],
    ['\nsimulate', 2],
    ['\n simulate', 2],
    ['Hello, world!', 4],
    ['1234', 2],
    ['in 1859', 4],
    ['汉字', 2],
    ['ひらがな カタカナ', 9],
    ['한국어', 3],
    ['Привет мир', 2],
    ['नमस्ते', 1],
    ['😀', 1],
    ['😀😀', 2],
    ['\uD83D', 1],
    ['\uDE00\uDE00', 2],
    ['\uD83D\uDE00\uDE00', 2],
    ['   \n\t ', 1],
    ["don't", 3],
  ])('%j counts %i', (text, tokens) => {
    expect(countTokens(text)).toBe(tokens);
  });

  test('English prose comes to about five characters a token', () => {
    const prose =
      'Everything that reaches a running simulation from outside is a command stamped with simulated time and ' +
      'written to the journal. Scenario, seed and journal together replay a live session exactly, in virtual time.';
    expect(prose.length / countTokens(prose)).toBeGreaterThan(4);
    expect(prose.length / countTokens(prose)).toBeLessThan(6);
  });

  test('a text counts at least one and at most its length in tokens', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        const tokens = countTokens(text);
        return tokens >= 1 && tokens <= text.length;
      }),
    );
  });

  test('cutting a text never makes it count less, and at most one more', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (head, tail) => {
        const apart = countTokens(head) + countTokens(tail);
        const whole = countTokens(head + tail);
        return apart === whole || apart === whole + 1;
      }),
    );
  });

  test('no text takes more than its length in time: four times the text, about four times the time', () => {
    const clock = (text: string) => {
      const times = Array.from({ length: 3 }, () => {
        const start = performance.now();
        countTokens(text);
        return performance.now() - start;
      });
      return Math.min(...times);
    };
    for (const unit of ['a', ' ', '1', '汉', '😀', ' a1\n,']) {
      const short = unit.repeat(100_000);
      clock(short);
      // A quadratic rule would take sixteen times as long; machines under load may double a time by themselves.
      expect(clock(short.repeat(4))).toBeLessThan(12 * clock(short) + 20);
    }
  });

  test('token ids count one each, a text by the rule', () => {
    expect(countPromptTokens([5, 6, 7])).toBe(3);
    expect(countPromptTokens('Hello, world!')).toBe(4);
  });

  test('a chat template adds 4 a message and 3 for the reply', () => {
    expect(countChatTokens([{ text: 'Hello, world!' }, { text: '' }])).toBe(4 + 2 * 4 + 3);
  });
});
