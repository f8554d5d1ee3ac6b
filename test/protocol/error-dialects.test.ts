import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import {
  type ErrorDialect,
  errorAnswer,
  haproxyPage,
  loadBody,
  MAAS_ERRORS,
  modelNotFound,
  needsApiKey,
  nginxPage,
  serverInfoBody,
  sleepingBody,
  UNAUTHORIZED_BODY,
  versionBody,
} from '../../src/protocol/index.ts';

const timeout = { message: 'Backend timeout', type: 'InternalServerError', param: null, code: 504 };
const throttled = { message: 'Too many requests', type: 'RateLimit', param: null, code: 429 };
const unknown = modelNotFound('x').fields;

describe('one error in every dialect', () => {
  test.each<[ErrorDialect, typeof timeout | typeof unknown, object]>([
    ['openai', unknown, { error: unknown }],
    ['vllm-legacy', unknown, { object: 'error', ...unknown }],
    ['anthropic', unknown, { type: 'error', error: { type: unknown.type, message: unknown.message } }],
    ['apig', timeout, { error_code: 'APIG.0203', error_msg: 'Backend timeout', request_id: 'r1' }],
    ['apig', throttled, { error_code: 'APIG.0308', error_msg: expect.any(String), request_id: 'r1' }],
    ['maas', throttled, { error_code: 'ModelArts.81101', error_msg: MAAS_ERRORS.requestRate.message }],
    ['maas', timeout, { error_msg: 'Backend timeout', error_code: 'APIG.0203' }],
    ['apig', { ...timeout, code: 400 }, { error: { ...timeout, code: 400 } }],
    ['maas', { ...timeout, code: 400 }, { object: 'error', ...timeout, code: 400 }],
    ['maas', { ...timeout, code: 500 }, { object: 'error', ...timeout, code: 500 }],
  ])('%s: %j', (dialect, fields, body) => {
    const answer = errorAnswer(dialect, fields, 'r1');
    expect(answer).toMatchObject({ status: fields.code, contentType: 'application/json' });
    expect(JSON.parse(answer.body)).toEqual(body);
  });

  test("proxies' are pages", () => {
    expect(errorAnswer('nginx', timeout, 'r1')).toEqual({
      status: 504,
      contentType: 'text/html',
      body: '<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway Time-out</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n',
    });
    expect(nginxPage(503, '1.22.1')).toContain('<hr><center>nginx/1.22.1</center>');
    expect(haproxyPage(503)).toBe(
      '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n',
    );
    expect(errorAnswer('haproxy', timeout, 'r1').body).toContain("The server didn't respond in time.");
  });

  test('reaches the openai client as far as the dialect lets it', async () => {
    const fail = (dialect: ErrorDialect) => {
      const { status, contentType, body } = errorAnswer(dialect, unknown, 'r1');
      const fetch = async () => new Response(body, { status, headers: { 'content-type': contentType } });
      return new OpenAI({ apiKey: 'k', baseURL: 'http://lab/v1', maxRetries: 0, fetch }).models.list();
    };
    await expect(fail('openai')).rejects.toMatchObject({
      status: 404,
      code: 404,
      type: 'NotFoundError',
      param: 'model',
    });
    await expect(fail('maas')).rejects.toThrow('404 status code (no body)');
    await expect(fail('nginx')).rejects.toThrow('404 <html>');
  });

  test("every code of MaaS's is of its family", () => {
    for (const { status, code } of Object.values(MAAS_ERRORS)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(code).toMatch(/^ModelArts\.81\d{3}$/);
    }
  });
});

describe("a server's small answers", () => {
  test('have the keys that clients read', () => {
    expect(versionBody('0.11.0')).toEqual({ version: '0.11.0' });
    expect(loadBody(3)).toEqual({ server_load: 3 });
    expect(sleepingBody(false)).toEqual({ is_sleeping: false });
    expect(serverInfoBody({ model: 'qwen', max_model_len: 8, enforce_eager: true })).toEqual({
      vllm_config: "model='qwen', max_model_len=8, enforce_eager=True",
    });
    expect(UNAUTHORIZED_BODY).toEqual({ error: 'Unauthorized' });
  });

  test.each([
    ['POST', '/v1/chat/completions', true],
    ['POST', '/v2/rerank', true],
    ['OPTIONS', '/v1/models', false],
    ['GET', '/health', false],
    ['POST', '/tokenize', false],
  ])('%s %s needs a key: %s', (method, path, needed) => {
    expect(needsApiKey(method, path)).toBe(needed);
  });
});
