import { describe, expect, test } from 'vitest';
import { Lab } from '../../src/index.ts';
import { chatService, scenario } from '../support/scenario.ts';

describe('a call that comes to nothing after it was passed on', () => {
  test.each([false, true])('is answered 504 when its backend was too slow (streamed: %s)', async (stream) => {
    const slow = { ...chatService('chat', 1), requestTimeout: '2s' };
    const lab = Lab.fromObject(scenario({ services: [slow] }));
    const answer = await lab.run(async () => {
      lab.fault({ kind: 'hang-container', service: 'chat', deployment: 'main', instance: 0 });
      const response = await lab.fetch(`${lab.url('chat')}/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${lab.apiKey('chat')}`, 'content-type': 'application/json' },
        body: JSON.stringify({ stream, messages: [{ role: 'user', content: 'Hello' }] }),
      });
      return { status: response.status, body: (await response.json()) as { error_code: string } };
    });
    expect(answer.status).toBe(504);
    expect(answer.body.error_code).toBe('APIG.0203');
    expect(lab.requests().map(({ status }) => status)).toEqual([504]);
  });
});
