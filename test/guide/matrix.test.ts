import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guideRule } from '../support/guide-rule.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { LivePlatform } from './live.ts';

/**
 * Authentication, access channel and protocol are chosen freely and do not interfere (guide 172, Figure 1-2): every
 * combination, generated from the three lists, each over real sockets.
 */

const AUTHENTICATIONS = ['NONE', 'TOKEN', 'API_KEY'] as const;
const CHANNELS = ['public', 'private'] as const;
const PROTOCOLS = ['HTTPS', 'HTTP', 'SSE', 'WSS', 'WS'] as const;
type Authentication = (typeof AUTHENTICATIONS)[number];
type Channel = (typeof CHANNELS)[number];
type Protocol = (typeof PROTOCOLS)[number];

const KIND = { NONE: 'none', TOKEN: 'token', API_KEY: 'api-key' } as const;
type CallProtocol = Exclude<Protocol, 'SSE'>;
/** What a service is set to; server-sent events are answers over HTTP and HTTPS (2874). */
const SET: Readonly<Record<Protocol, readonly CallProtocol[]>> = {
  HTTPS: ['HTTPS'],
  HTTP: ['HTTP'],
  SSE: ['HTTPS', 'HTTP'],
  WSS: ['WSS'],
  WS: ['WS'],
};
const CELLS = AUTHENTICATIONS.flatMap((authentication) =>
  CHANNELS.flatMap((channel) => PROTOCOLS.map((protocol) => [authentication, channel, protocol] as const)),
);

const CHAT = '/v1/chat/completions';
const HELLO = { model: 'qwen3-8b', messages: [{ role: 'user', content: 'Hello there' }] };

const nameOf = (authentication: Authentication, protocol: CallProtocol): string => `${authentication}-${protocol}`;

/** A service of each authentication and protocol, called over one channel alone. */
function services(channel: Channel): object[] {
  return AUTHENTICATIONS.flatMap((authentication) =>
    [...new Set(Object.values(SET).flat())].map((protocol) => ({
      ...chatService(nameOf(authentication, protocol), 1),
      protocol,
      auth: { kind: KIND[authentication] },
      ...(channel === 'private'
        ? { access: { publicAccess: false }, privateConnections: [{ name: 'office', vpc: 'corp', subnet: 'a' }] }
        : {}),
    })),
  );
}

type Headers = Readonly<Record<string, string>>;

describe.each(CHANNELS)('over the %s network', (channel) => {
  let platform: LivePlatform;
  let token: string;

  beforeAll(async () => {
    const pools = [{ name: 'npu', nodes: [{ flavor: 'snt9b-8', count: 2 }] }];
    const vpcs = [{ name: 'corp', subnets: ['a'] }];
    platform = await LivePlatform.open(scenario({ pools, vpcs, services: services(channel) }));
    token = await platform.token();
  });
  afterAll(() => platform.close());

  const keyOf = (authentication: Authentication, protocol: CallProtocol): string =>
    platform.service(nameOf(authentication, protocol)).apiKey!;

  /** Headers that let a caller in, and headers that do not, by why. */
  const credentials = (
    authentication: Authentication,
    protocol: CallProtocol,
  ): { right: Headers; wrong: Record<string, Headers> } => {
    if (authentication === 'NONE') return { right: {}, wrong: {} };
    const other = keyOf('API_KEY', protocol === 'WS' ? 'WSS' : 'WS');
    if (authentication === 'TOKEN') {
      return {
        right: { 'x-auth-token': token },
        wrong: {
          none: {},
          'a token that was never issued': { 'x-auth-token': `${token.slice(0, -1)}?` },
          'the token as a key': { authorization: `Bearer ${token}` },
          'a key': { authorization: `Bearer ${other}` },
        },
      };
    }
    return {
      right: { authorization: `Bearer ${keyOf(authentication, protocol)}` },
      wrong: {
        none: {},
        'a key of another service': { authorization: `Bearer ${other}` },
        'a key that was never made': { authorization: 'Bearer sk-0000000000000000000000000000000000000000' },
        'a token': { 'x-auth-token': token },
        'the key as a token': { 'x-auth-token': keyOf(authentication, protocol) },
      },
    };
  };

  /** Calls a service so. @returns the status, and what was said when it is 200 */
  const called = async (
    authentication: Authentication,
    protocol: CallProtocol,
    headers: Headers,
    { stream = false, by = channel }: { readonly stream?: boolean; readonly by?: Channel },
  ): Promise<[status: number, said: string]> => {
    const name = nameOf(authentication, protocol);
    const [connection] = platform.service(name).privateConnections;
    const host = by === 'private' ? { host: connection!.host } : {};
    const secure = protocol === 'HTTPS' || protocol === 'WSS';
    const to = { secure, ...host, path: platform.pathOf(name, CHAT) };
    if (protocol === 'WS' || protocol === 'WSS') {
      const answer = await platform.converse({ ...to, headers }, [JSON.stringify(HELLO)]);
      return 'status' in answer ? [answer.status, ''] : [200, answer.messages.join()];
    }
    const sent = { ...headers, 'content-type': 'application/json' };
    const answer = await platform.call({ ...to, headers: sent, body: JSON.stringify({ ...HELLO, stream }) });
    if (answer.status === 200) expect(answer.headers['content-type']).toMatch(stream ? /^text\/event-stream/ : /json/);
    return [answer.status, answer.body.toString()];
  };

  for (const [authentication, over, protocol] of CELLS) {
    if (over !== channel) continue;
    guideRule(172, `${authentication}, ${channel}, ${protocol}`, async () => {
      for (const set of SET[protocol]) {
        const stream = protocol === 'SSE';
        const { right, wrong } = credentials(authentication, set);
        const [status, said] = await called(authentication, set, right, { stream });
        expect([status, said]).toEqual([200, expect.stringContaining('"choices"')]);
        for (const [why, headers] of Object.entries(wrong)) {
          expect((await called(authentication, set, headers, { stream }))[0], why).toBe(401);
        }
        // Without public access the other network leads nowhere, whatever is shown.
        if (channel === 'private') expect((await called(authentication, set, right, { by: 'public' }))[0]).toBe(403);
      }
    });
  }
});

test('no combination is missing', () => {
  expect(new Set(CELLS.map((cell) => cell.join())).size).toBe(3 * 2 * 5);
});
