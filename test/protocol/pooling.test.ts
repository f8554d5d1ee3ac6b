import fc from 'fast-check';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import {
  conversationTokens,
  countTokens,
  detokenizeBody,
  embed,
  embeddingList,
  openaiError,
  pairTokens,
  poolingList,
  readChatRequest,
  readDetokenizeRequest,
  readEmbeddingRequest,
  readRerankRequest,
  readScoreRequest,
  readTokenizeRequest,
  relevances,
  rerankBody,
  scoreList,
  tokenizeBody,
  wrongDimensions,
} from '../../src/protocol/index.ts';
import { HEAD, refusal, WORDS } from './answers.ts';

const DIMENSIONS = 64;
const dot = (one: readonly number[], other: readonly number[]) => one.reduce((sum, x, at) => sum + x * other[at]!, 0);
const texts = fc.string({ unit: 'grapheme', maxLength: 60 });

describe('embeddings', () => {
  test.each([
    ['Hello', ['Hello']],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [[1, 2], [[1, 2]]],
    [
      [[1], [2, 3]],
      [[1], [2, 3]],
    ],
  ])('are asked for with the input %j', (input, inputs) => {
    expect(readEmbeddingRequest({ input })).toMatchObject({
      inputs,
      encoding: 'float',
      dimensions: undefined,
    });
  });

  test.each([
    [{}, "1 validation error:\n  {'type': 'missing', 'loc': ('body', 'input'), 'msg': 'Field required'}"],
    [{ input: [] }, '`input` must not be an empty array. (parameter=input)'],
    [
      { input: 'a', encoding_format: 'hex' },
      "1 validation error:\n  {'type': 'literal_error', 'loc': ('body', 'encoding_format'), 'msg': 'Input should be 'float' or 'base64''}",
    ],
  ])('%j is refused', (body, message) => {
    expect(openaiError(refusal(() => readEmbeddingRequest(body))).error).toMatchObject({
      message,
      code: 400,
    });
  });

  test('have the lengths that the model has', () => {
    for (const dimensions of [undefined, 1, 64]) expect(wrongDimensions({ dimensions }, DIMENSIONS)).toBeUndefined();
    for (const dimensions of [0, 65]) {
      const message = `dimensions must be between 1 and 64, got ${dimensions}. (parameter=dimensions, value=${dimensions})`;
      expect(wrongDimensions({ dimensions }, DIMENSIONS)?.fields).toMatchObject({ message, code: 400 });
    }
  });

  test('have length 1, and are the same for the same text and seed', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: DIMENSIONS }), fc.integer(), (text, dimensions, seed) => {
        const vector = embed(text, dimensions, DIMENSIONS, seed);
        expect(vector).toHaveLength(dimensions);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
        expect(embed(text, dimensions, DIMENSIONS, seed)).toEqual(vector);
      }),
    );
  });

  test('are nearer for texts that share words', () => {
    const [one, near, far] = ['How to train a dog', 'To train a dog well', 'Quarterly revenue grew'].map((text) =>
      embed(text, 256, 256, 1),
    );
    expect(dot(one!, near!)).toBeGreaterThan(dot(one!, far!) + 0.3);
  });

  test('reach the openai client, which asks for base64, as the numbers they are', async () => {
    const vectors = [embed('one', DIMENSIONS, DIMENSIONS, 1), embed('two', DIMENSIONS, DIMENSIONS, 1)];
    let asked: unknown;
    const client = new OpenAI({
      apiKey: 'k',
      baseURL: 'http://lab/v1',
      fetch: async (_url, init) => {
        asked = JSON.parse(String(init?.body));
        const { encoding, inputs } = readEmbeddingRequest(asked);
        return Response.json(embeddingList(HEAD, vectors, encoding, inputs.length));
      },
    });
    const answer = await client.embeddings.create({ model: 'qwen', input: ['one', 'two'] });
    expect(asked).toMatchObject({ encoding_format: 'base64' });
    expect(answer.data.map(({ embedding }) => [...embedding])).toEqual(vectors);
    expect(answer.usage).toMatchObject({ prompt_tokens: 2, total_tokens: 2 });
  });

  test('of a pooling are data', () => {
    expect(poolingList(HEAD, [[0.5]], 'float', 3)).toMatchObject({
      object: 'list',
      data: [{ index: 0, object: 'pooling', data: [0.5] }],
      usage: { prompt_tokens: 3, total_tokens: 3, completion_tokens: 0 },
    });
  });
});

describe('a rerank', () => {
  test('puts the best first, keeps their places, and tells no more than asked', () => {
    const request = readRerankRequest({ query: 'train a dog', documents: ['tax law', 'how to train a dog'], top_n: 1 });
    const pairs = request.documents.map((document) => [request.query, document] as const);
    const scores = relevances(pairs, 7);
    const tokens = pairTokens(pairs).reduce((sum, each) => sum + each);
    expect(rerankBody(HEAD, request, scores, tokens)).toEqual({
      id: HEAD.id,
      model: 'qwen',
      usage: { prompt_tokens: tokens, total_tokens: tokens },
      results: [{ index: 1, document: { text: 'how to train a dog' }, relevance_score: scores[1] }],
    });
    expect(rerankBody(HEAD, { ...request, topN: 0 }, scores, tokens).results.map(({ index }) => index)).toEqual([1, 0]);
  });

  test('has scores between 0 and 1', () => {
    fc.assert(
      fc.property(texts, texts, fc.integer(), (one, other, seed) => {
        const [score] = relevances([[one, other]], seed);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThan(1);
      }),
    );
  });

  test.each([
    [{ documents: ['a'] }, "'loc': ('body', 'query'), 'msg': 'Field required'"],
    [{ query: 'a' }, "'loc': ('body', 'documents'), 'msg': 'Field required'"],
    [{ query: 'a', documents: [] }, 'At least one text_pair element must be given'],
    [{ query: 'a', documents: [1] }, "'loc': ('body', 'documents', 0)"],
  ])('%j is refused', (body, part) => {
    expect(refusal(() => readRerankRequest(body)).message).toContain(part);
  });
});

describe('a score', () => {
  test.each([
    [{ text_1: 'a', text_2: 'b' }, [['a', 'b']]],
    [
      { text_1: 'a', text_2: ['b', 'c'] },
      [
        ['a', 'b'],
        ['a', 'c'],
      ],
    ],
    [
      { text_1: ['a', 'x'], text_2: ['b', 'y'] },
      [
        ['a', 'b'],
        ['x', 'y'],
      ],
    ],
    [{ queries: 'a', documents: ['b'] }, [['a', 'b']]],
    [{ data_1: ['a'], data_2: 'b' }, [['a', 'b']]],
  ])('of %j compares', (body, pairs) => {
    expect(readScoreRequest(body).pairs).toEqual(pairs);
  });

  test.each([
    [{ text_1: ['a', 'b'], text_2: ['c'] }, 'Input lengths must be either 1:1, 1:N or N:N'],
    [{ text_1: [], text_2: 'c' }, 'At least one text element must be given'],
    [{ text_1: 'a', text_2: [] }, 'At least one text_pair element must be given'],
    [{ text_1: 'a' }, "'loc': ('body', 'text_2'), 'msg': 'Field required'"],
  ])('of %j is refused', (body, part) => {
    expect(refusal(() => readScoreRequest(body)).message).toContain(part);
  });

  test('is a list', () => {
    expect(scoreList(HEAD, [0.25], 4)).toMatchObject({
      object: 'list',
      data: [{ index: 0, object: 'score', score: 0.25 }],
    });
  });
});

describe('tokenizing', () => {
  test('gives as many numbers as there are tokens, and texts that join to the prompt', () => {
    fc.assert(
      fc.property(texts, (prompt) => {
        const body = tokenizeBody(readTokenizeRequest({ prompt, return_token_strs: true }), 4_096);
        expect(body.count).toBe(countTokens(prompt));
        expect(body.tokens).toHaveLength(body.count);
        expect(body.token_strs!.join('')).toBe(prompt);
        expect(tokenizeBody(readTokenizeRequest({ prompt }), 4_096).token_strs).toBeNull();
      }),
    );
  });

  test('counts messages as a chat does', () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello, world!' },
    ];
    expect(tokenizeBody(readTokenizeRequest({ messages }), 9).count).toBe(
      conversationTokens(readChatRequest({ messages })),
    );
  });

  test('goes back to a text of as many tokens', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 151_935 }), { maxLength: 60 }), (tokens) => {
        expect(countTokens(detokenizeBody(readDetokenizeRequest({ tokens }), WORDS).prompt)).toBe(tokens.length);
      }),
    );
  });

  test.each([
    [() => readTokenizeRequest({}), "'loc': ('body', 'prompt'), 'msg': 'Field required'"],
    [() => readDetokenizeRequest({}), "'loc': ('body', 'tokens'), 'msg': 'Field required'"],
    [() => readDetokenizeRequest({ tokens: ['a'] }), 'int_type'],
    [() => readDetokenizeRequest({ tokens: [-1] }), 'greater_than_equal'],
    [
      () => readTokenizeRequest({ messages: [], continue_final_message: true, add_generation_prompt: true }),
      'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
    ],
  ])('%# is refused', (read, part) => {
    expect(refusal(read).message).toContain(part);
  });
});
