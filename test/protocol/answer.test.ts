import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  type AnswerForm,
  answerCalls,
  answerText,
  composeAnswer,
  countTokens,
  type JsonSchema,
  leastAnswerTokens,
  type ToolUse,
} from '../../src/protocol/index.ts';
import { cycle, draws, PLAIN, WORDS } from './answers.ts';

const lengths = fc.integer({ min: 1, max: 400 });
const reasons = fc.constantFrom('stop' as const, 'length' as const);

function compose(
  form: AnswerForm,
  tokens: number,
  numbers: readonly number[],
  finishReason: 'stop' | 'length' = 'stop',
) {
  return composeAnswer(form, { tokens, finishReason, words: WORDS, uniform: cycle(numbers) });
}

describe('free text', () => {
  test('has as many pieces as tokens were drawn, and counts them', () => {
    fc.assert(
      fc.property(lengths, draws, reasons, (tokens, numbers, reason) => {
        const answer = compose(PLAIN, tokens, numbers, reason);
        expect(answer.pieces).toHaveLength(tokens);
        expect(countTokens(answerText(answer))).toBe(tokens);
        expect(answer.finishReason).toBe(reason);
        expect(answer.stopString).toBeNull();
      }),
    );
  });

  const stops = fc.array(
    fc.oneof(
      fc.constantFrom(' ', '.', ',', 'e', 'a', '. ', ' be', 'alpha', '\n\n', 'Simulate', '一', 'al', 'ournal.'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }),
      fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'),
    ),
    { minLength: 1, maxLength: 30 },
  );

  test('never contains a stop string, and still counts what was drawn', () => {
    fc.assert(
      fc.property(lengths, draws, reasons, stops, (tokens, numbers, reason, stop) => {
        const answer = compose({ ...PLAIN, stop }, tokens, numbers, reason);
        const text = answerText(answer);
        expect(stop.filter((each) => text.includes(each))).toEqual([]);
        expect(answer.pieces).toHaveLength(tokens);
        expect(countTokens(text)).toBe(tokens);
      }),
      { numRuns: 300 },
    );
  });

  test('ended at a stop string if it ended by itself, and at none if a limit ended it', () => {
    fc.assert(
      fc.property(lengths, draws, stops, (tokens, numbers, stop) => {
        expect(stop).toContain(compose({ ...PLAIN, stop }, tokens, numbers, 'stop').stopString);
        expect(compose({ ...PLAIN, stop }, tokens, numbers, 'length').stopString).toBeNull();
      }),
    );
  });

  test('keeps the stop string, at its very end, where that was asked for', () => {
    const kept = compose({ ...PLAIN, stop: ['END'], includeStop: true }, 9, [0.3, 0.6]);
    const left = compose({ ...PLAIN, stop: ['END'] }, 9, [0.3, 0.6]);
    expect(answerText(kept)).toBe(`${answerText(left)}END`);
  });

  test('gives up on none of 20,000 stop strings that leave a single character', () => {
    const stop = Array.from({ length: 0x9fff - 0x4e00 }, (_, at) => String.fromCharCode(0x4e00 + at)).concat(' ', '.');
    const text = answerText(
      compose({ ...PLAIN, stop: [stop.join(''), ...stop.slice(0, 500), ' ', '.', ','] }, 5, [0.1]),
    );
    expect(countTokens(text)).toBe(5);
  });
});

/** Schemas of what the sampler says it obeys, with an instance always possible. */
const bounds = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.nat({ max: 80 }));
const leaf: fc.Arbitrary<JsonSchema> = fc.oneof(
  fc.constant({ type: 'string' }),
  fc.constant({ type: 'boolean' }),
  fc.constant({ type: 'null' }),
  fc.constant({ type: ['string', 'null'] }),
  bounds.map(([minimum, span]) => ({ type: 'integer', minimum, maximum: minimum + span })),
  bounds.map(([minimum, span]) => ({ type: 'number', minimum, exclusiveMaximum: minimum + span + 0.5 })),
  bounds.map(([exclusiveMinimum]) => ({ type: 'integer', exclusiveMinimum })),
  fc.integer({ min: 2, max: 7 }).map((multipleOf) => ({ type: 'integer', minimum: 0, multipleOf })),
  fc.tuple(fc.nat({ max: 30 }), fc.nat({ max: 60 })).map(([minLength, more]) => {
    return { type: 'string', minLength, maxLength: minLength + more };
  }),
  fc.nat({ max: 40 }).map((minLength) => ({ type: 'string', minLength })),
  fc
    .array(fc.string({ maxLength: 8 }), { minLength: 1, maxLength: 4 })
    .map((values) => ({ type: 'string', enum: values })),
  fc.oneof(fc.string(), fc.integer(), fc.boolean()).map((value) => ({ const: value })),
  fc.constantFrom('date-time', 'date', 'email', 'uuid', 'ipv4', 'ipv6').map((format) => ({ type: 'string', format })),
);
const schemas = fc.letrec<{ any: JsonSchema; object: JsonSchema }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    leaf,
    tie('object'),
    fc.tuple(tie('any'), fc.nat({ max: 3 }), fc.nat({ max: 3 })).map(([items, minItems, more]) => {
      return { type: 'array', items, minItems, maxItems: minItems + more };
    }),
    fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
  ),
  object: fc
    .dictionary(
      fc.string({ minLength: 1, maxLength: 6 }).filter((name) => name !== '__proto__'),
      tie('any'),
      { maxKeys: 4 },
    )
    .map((properties) => ({
      type: 'object',
      properties,
      required: Object.keys(properties).filter((_, at) => at % 2 === 0),
      additionalProperties: false,
    })),
}));

const jsonForm = (schema: JsonSchema): AnswerForm => ({ ...PLAIN, structure: { kind: 'json', schema } });

describe('JSON by a schema', () => {
  test('is valid and as long as drawn, from its least length on', () => {
    fc.assert(
      fc.property(schemas.object, draws, fc.nat({ max: 200 }), (schema, numbers, more) => {
        const form = jsonForm(schema);
        const least = leastAnswerTokens(form, WORDS, cycle(numbers));
        const answer = compose(form, least + more, numbers);
        const text = answerText(answer);
        expect(answer.finishReason).toBe('stop');
        expect(answer.pieces).toHaveLength(least + more);
        const check = z.fromJSONSchema(schema as never).safeParse(JSON.parse(text));
        expect(check.error).toBeUndefined();
        expect(countTokens(text)).toBeGreaterThanOrEqual(least);
        expect(countTokens(text)).toBeLessThanOrEqual(least + more);
      }),
      { numRuns: 500 },
    );
  });

  test('counts exactly what was drawn where a string may grow', () => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        size: { type: 'integer' },
        tags: { type: 'array', items: { type: 'string' } },
      },
      required: ['name', 'size', 'tags'],
    };
    fc.assert(
      fc.property(draws, fc.nat({ max: 500 }), (numbers, more) => {
        const least = leastAnswerTokens(jsonForm(schema), WORDS, cycle(numbers));
        const text = answerText(compose(jsonForm(schema), least + more, numbers));
        expect(countTokens(text)).toBe(least + more);
        expect(JSON.parse(text)).toMatchObject({ name: expect.any(String), size: expect.any(Number) });
      }),
    );
  });

  test('is cut, with the reason length, where it is drawn too short or a limit ended it', () => {
    const form = jsonForm({ type: 'object', properties: { answer: { type: 'string' } } });
    const least = leastAnswerTokens(form, WORDS, cycle([0.5]));
    for (let tokens = 1; tokens < least; tokens++) {
      const answer = compose(form, tokens, [0.5]);
      expect(answer.finishReason).toBe('length');
      expect(countTokens(answerText(answer))).toBe(tokens);
      expect(() => JSON.parse(answerText(answer))).toThrow();
    }
    const limited = compose(form, least + 20, [0.5], 'length');
    expect(limited.finishReason).toBe('length');
    expect(countTokens(answerText(limited))).toBe(least + 20);
    expect(() => JSON.parse(answerText(limited))).toThrow();
  });

  test('of any object is an object with something in it', () => {
    const answer = compose(jsonForm({ type: 'object' }), 40, [0.2, 0.8]);
    expect(Object.keys(JSON.parse(answerText(answer)))).toEqual(['title', 'notes']);
    expect(countTokens(answerText(answer))).toBe(40);
  });

  test('keeps unique what must be: values of an enum, numbers, strings', () => {
    const unique = (items: JsonSchema, minItems: number) => ({ type: 'array', items, minItems, uniqueItems: true });
    for (const items of [
      { enum: ['a', 'b', 'c', 'd'] },
      { type: 'integer' },
      { type: 'string' },
      { type: 'string', maxLength: 5 },
    ]) {
      const list: unknown[] = JSON.parse(answerText(compose(jsonForm(unique(items, 4)), 300, [0.4])));
      expect(new Set(list).size).toBe(4);
    }
  });

  test('follows references, also to itself, and merges what must hold together', () => {
    const node = {
      type: 'object',
      properties: { next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] }, at: { type: 'integer' } },
    };
    const schema = {
      $defs: {
        node: { ...node, required: ['next', 'at'] },
        named: { properties: { name: { type: 'string' } }, required: ['name'] },
      },
      allOf: [{ $ref: '#/$defs/named' }, { properties: { list: { $ref: '#/$defs/node' } }, required: ['list'] }],
    };
    const value = JSON.parse(answerText(compose(jsonForm(schema), 500, [0])));
    expect(value).toMatchObject({ name: expect.any(String), list: { at: expect.any(Number) } });
  });

  test('comes to an end with schemas that have none, and is quick about it', () => {
    const endless = { $ref: '#' };
    const wide = { type: 'object', properties: { a: endless, b: endless, c: endless }, required: ['a', 'b', 'c'] };
    for (const schema of [
      endless,
      wide,
      { type: 'array', items: endless, minItems: 1e9 },
      { type: 'string', minLength: 1e9 },
    ]) {
      expect(compose(jsonForm(schema), 50, [0.5]).pieces).toHaveLength(50);
    }
    for (const schema of [
      { type: 'integer', minimum: 1e308 },
      { type: 'number', minimum: -1e308, maximum: 1e308 },
      { multipleOf: 0 },
      { type: 7 },
      { enum: 3, properties: [] },
    ]) {
      const text = answerText(compose(jsonForm(schema as JsonSchema), 60, [0.5]));
      expect(() => JSON.parse(text)).not.toThrow();
    }
  });

  test('ends at a stop string that it cannot do without', () => {
    const answer = compose({ ...jsonForm({ const: { city: 'Oslo' } }), stop: ['Oslo'] }, 20, [0.5]);
    expect(answerText(answer)).toBe('{"city":"');
    expect(answer).toMatchObject({ finishReason: 'stop', stopString: 'Oslo' });
    expect(answer.pieces).toHaveLength(20);
  });
});

test('a choice is one of them, whole where there is room', () => {
  fc.assert(
    fc.property(draws, lengths, (numbers, tokens) => {
      const choices = ['positive', 'negative, alas', 'x'];
      const answer = compose({ ...PLAIN, structure: { kind: 'choice', choices } }, tokens, numbers);
      expect(answer.pieces).toHaveLength(tokens);
      const said = choices.filter((choice) => choice.startsWith(answerText(answer)));
      expect(said).not.toEqual([]);
      if (answer.finishReason === 'stop') expect(choices).toContain(answerText(answer));
    }),
  );
});

describe('calls of tools', () => {
  const parameters = {
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'integer' } },
    required: ['city', 'days'],
  };
  const tools = [
    { name: 'weather', description: undefined, parameters },
    { name: 'now', description: undefined, parameters: { type: 'object' } },
  ];
  const user = [{ role: 'user', text: 'How is the weather?' }];
  const use = (choice: ToolUse['choice'], parallel = true): AnswerForm => ({
    ...PLAIN,
    toolUse: { tools, choice, parallel },
    messages: user,
  });

  test('have arguments that obey the schema, and fill the drawn length', () => {
    fc.assert(
      fc.property(
        draws,
        fc.nat({ max: 200 }),
        fc.constantFrom('auto' as const, 'required' as const),
        (numbers, more, choice) => {
          const form = use(choice);
          const least = leastAnswerTokens(form, WORDS, cycle(numbers));
          const answer = compose(form, least + more, numbers);
          expect(answer.pieces).toHaveLength(least + more);
          expect(answer.finishReason).toBe('tool_calls');
          expect(answerText(answer)).toBe('');
          const calls = answerCalls(answer);
          expect(calls.length).toBeGreaterThan(0);
          for (const { name, arguments: text, id } of calls) {
            expect(id).toMatch(/^chatcmpl-tool-[0-9a-f]{32}$/);
            const schema = tools.find((tool) => tool.name === name)!.parameters;
            expect(z.fromJSONSchema(schema as never).safeParse(JSON.parse(text)).success).toBe(true);
          }
        },
      ),
    );
  });

  test('are of the named tool alone, and then end with stop', () => {
    const answer = compose(use({ named: 'now' }), 12, [0.9]);
    expect(answerCalls(answer)).toMatchObject([{ name: 'now', arguments: '{}' }]);
    expect(answer.finishReason).toBe('stop');
  });

  test('are several only where that is welcome', () => {
    expect(answerCalls(compose(use('required'), 90, [0]))).toHaveLength(2);
    expect(answerCalls(compose(use('required', false), 90, [0]))).toHaveLength(1);
  });

  test('are cut where the drawn length is too short, never longer than it', () => {
    fc.assert(
      fc.property(draws, fc.integer({ min: 1, max: 40 }), reasons, (numbers, tokens, reason) => {
        const answer = compose(use('required'), tokens, numbers, reason);
        expect(answer.pieces).toHaveLength(tokens);
        const whole = tokens >= leastAnswerTokens(use('required'), WORDS, cycle(numbers)) && reason === 'stop';
        expect(answer.finishReason).toBe(whole ? 'tool_calls' : 'length');
      }),
    );
  });

  test('are left alone under auto once a tool has answered', () => {
    const answered = [...user, { role: 'assistant', text: 'weather({})' }, { role: 'tool', text: 'sunny' }];
    expect(answerCalls(compose({ ...use('auto'), messages: answered }, 20, [0.1]))).toEqual([]);
    expect(answerCalls(compose({ ...use('required'), messages: answered }, 20, [0.1]))).not.toEqual([]);
  });
});
