import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import {
  type ErrorDialect,
  errorAnswer,
  errorsOf,
  loadBody,
  modelNotFound,
  serverInfoBody,
  versionBody,
} from '../../src/protocol/index.ts';

const unknown = modelNotFound('x').fields;

describe('one error in every dialect', () => {
  test.each<[ErrorDialect, object]>([
    ['openai', { error: unknown }],
    ['vllm-legacy', { object: 'error', ...unknown }],
    ['anthropic', { type: 'error', error: { type: unknown.type, message: unknown.message } }],
  ])('%s', (dialect, body) => {
    const answer = errorAnswer(dialect, unknown);
    expect(answer).toMatchObject({ status: 404, contentType: 'application/json' });
    expect(JSON.parse(answer.body)).toEqual(body);
  });

  test.each<[ErrorDialect, string | undefined, string | undefined, ErrorDialect]>([
    ['openai', undefined, undefined, 'openai'],
    ['openai', 'vllm', '0.9.1', 'vllm-legacy'],
    ['openai', undefined, 'v0.8.5.post1', 'vllm-legacy'],
    ['openai', 'vllm', '0.10.0', 'openai'],
    ['openai', 'vllm', '1.0.0', 'openai'],
    ['openai', 'vllm', 'nightly', 'openai'],
    ['openai', 'sglang', '0.4.6', 'openai'],
    ['anthropic', 'vllm', '0.9.1', 'anthropic'],
  ])('%s of %s %s is %s', (dialect, kind, version, expected) => {
    expect(errorsOf(dialect, { kind, version })).toBe(expected);
  });

  test('reaches the openai client as far as the dialect lets it', async () => {
    const fail = (dialect: ErrorDialect) => {
      const { status, contentType, body } = errorAnswer(dialect, unknown);
      const fetch = async () => new Response(body, { status, headers: { 'content-type': contentType } });
      return new OpenAI({ apiKey: 'k', baseURL: 'http://lab/v1', maxRetries: 0, fetch }).models.list();
    };
    await expect(fail('openai')).rejects.toMatchObject({
      status: 404,
      code: 404,
      type: 'NotFoundError',
      param: 'model',
    });
    await expect(fail('vllm-legacy')).rejects.toThrow('404 status code (no body)');
  });
});

describe("a server's small answers", () => {
  test('have the keys that clients read', () => {
    expect(versionBody('0.19.0')).toEqual({ version: '0.19.0' });
    expect(loadBody(3)).toEqual({ server_load: 3 });
    expect(serverInfoBody({ model: 'qwen', max_model_len: 8, enforce_eager: true })).toEqual({
      vllm_config: "model='qwen', max_model_len=8, enforce_eager=True",
    });
  });
});
