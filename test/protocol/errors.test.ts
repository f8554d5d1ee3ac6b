import { describe, expect, test } from 'vitest';
import {
  apigError,
  GATEWAY_ERRORS,
  gatewayError,
  inputTooLong,
  modelNotFound,
  openaiError,
} from '../../src/protocol/index.ts';

describe('error bodies', () => {
  test("OpenAI's nest the fields under error, the code being the status", () => {
    const fields = { message: 'The model `x` does not exist.', type: 'NotFoundError', param: 'model', code: 404 };
    expect(openaiError(fields)).toEqual({ error: fields });
  });

  test("the gateway's are flat and name the request", () => {
    const body = { error_code: 'APIG.0202', error_msg: 'Backend unavailable', request_id: 'r1' };
    expect(apigError('APIG.0202', 'Backend unavailable', 'r1')).toEqual(body);
    expect(gatewayError('backendUnavailable', 'r1')).toEqual({ status: 502, body });
  });

  test("an unknown model and a prompt without room are refused in vLLM's words", () => {
    expect(modelNotFound('x')).toMatchObject({ status: 404, message: 'The model `x` does not exist.' });
    expect(inputTooLong(9, 8)).toMatchObject({ status: 400, fields: { type: 'BadRequestError' } });
    expect(inputTooLong(9, 8).message).toContain("Input length (9) exceeds model's maximum context length (8).");
  });

  test('a detail follows the message after a colon', () => {
    const { body } = gatewayError('throttled', 'r1', 'policy user over ratelimit,limit:5,time:1 minute');
    expect(body.error_msg).toBe(
      'The throttling threshold has been reached: policy user over ratelimit,limit:5,time:1 minute',
    );
  });

  test('every refusal of the gateway has an error status, a code of its own family and a source', () => {
    for (const { status, code, source } of Object.values(GATEWAY_ERRORS)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(code).toMatch(/^APIG\.\d{4}$/);
      expect(source).not.toBe('');
    }
  });
});
