import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { Agent, fetch as undiciFetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { serialOf } from '../../src/api/certificate.ts';
import { selfSigned } from '../../src/api/index.ts';
import { Lab } from '../../src/index.ts';
import { inferlab, Serving, SMALL, scratch } from '../support/cli.ts';
import { LiveLab } from '../support/live.ts';
import { streamChat } from '../support/openai.ts';
import { chatService, scenario } from '../support/scenario.ts';
import { Client, refusedUpgrade } from '../support/websocket.ts';
import { post } from '../support/wire.ts';

const CHAT = '/v1/chat/completions';
const BODY = { model: 'qwen3-8b', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 4 };
const folder = scratch();

/** What a client over TLS trusts: this certificate alone. */
function trusting(ca: string | undefined): typeof globalThis.fetch {
  const dispatcher = new Agent(ca === undefined ? {} : { connect: { ca } });
  const fetch = (url: string, init: object): unknown => undiciFetch(url, { ...init, dispatcher });
  return fetch as unknown as typeof globalThis.fetch;
}

const PROTOCOLS = ['HTTP', 'HTTPS', 'WS', 'WSS'] as const;
/** Services by what they state, one a protocol, and one that states none. */
const SERVICES = [undefined, ...PROTOCOLS];
const nameOf = (protocol: string | undefined): string => protocol?.toLowerCase() ?? 'none';
const MATRIX = scenario(
  {
    pools: [{ name: 'npu', nodes: [{ flavor: 'snt9b-8', count: 1 }] }],
    services: SERVICES.map((protocol) => ({ ...chatService(nameOf(protocol), 1), ...(protocol && { protocol }) })),
  },
  1,
);
const overOf = (stated: string | undefined): readonly string[] => (stated === undefined ? ['HTTP', 'HTTPS'] : [stated]);

describe('a certificate', () => {
  test('has a serial number that is positive and no longer than it need be, whatever was drawn', () => {
    for (const first of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
      const serial = serialOf(Uint8Array.of(first, 0, 1, 2));
      expect(serial).toMatch(/^[4-7]/);
      expect(serial).toHaveLength(8);
    }
  });

  test("is for this machine's names and the host, for a year, and signed by its own key", () => {
    for (const [host, also] of [
      ['sim.example', 'DNS:sim.example'],
      ['10.1.2.3', 'IP Address:10.1.2.3'],
      ['127.0.0.1', 'IP Address:127.0.0.1'],
    ] as const) {
      const { cert } = selfSigned(host);
      const read = new X509Certificate(cert);
      expect(read.verify(read.publicKey)).toBe(true);
      const names = read.subjectAltName!.split(', ');
      expect(names).toEqual(expect.arrayContaining(['DNS:localhost', 'IP Address:127.0.0.1', also]));
      expect(new Set(names).size).toBe(names.length);
      expect(read.checkIP('::1')).toBeDefined();
      const days = (Date.parse(read.validTo) - Date.parse(read.validFrom)) / 86_400_000;
      expect([365, 366]).toContain(days);
      expect(Date.parse(read.validFrom)).toBeLessThan(Date.now());
    }
    expect(new X509Certificate(selfSigned('a').cert).serialNumber).not.toBe(
      new X509Certificate(selfSigned('a').cert).serialNumber,
    );
  });
});

describe('a service is called over its protocol', () => {
  test('over sockets: its own port and its own means, and no other', async () => {
    const lab = await LiveLab.open(MATRIX, 50);
    const ca = lab.certificate!;
    const fetch = trusting(ca);
    const { gateway, tlsGateway, services } = lab.addresses;
    try {
      for (const stated of SERVICES) {
        const { id, apiKey, url, protocols } = services.find(({ name }) => name === nameOf(stated))!;
        expect(protocols).toEqual(overOf(stated));
        expect(url).toMatch(new RegExp(`^${protocols[0]!.toLowerCase()}://`));
        for (const asked of PROTOCOLS) {
          const port = asked.endsWith('S') && asked !== 'WS' ? tlsGateway! : gateway;
          const path = `/v2/infer/${id}${CHAT}`;
          const answers = overOf(stated).includes(asked);
          const told = `the service is called over ${overOf(stated).join(' or ')}`;
          if (asked.startsWith('HTTP')) {
            const answer = await fetch(port + path, post(BODY, apiKey!));
            const body = await answer.text();
            expect([stated, asked, answer.status]).toEqual([stated, asked, answers ? 200 : 404]);
            if (!answers)
              expect(JSON.parse(body)).toMatchObject({
                error_code: 'APIG.0101',
                error_msg: expect.stringContaining(told),
              });
          } else {
            const socketUrl = port.replace('http', 'ws') + path;
            if (answers) {
              const client = await Client.open(socketUrl, apiKey!, { ca });
              client.send(BODY);
              expect(JSON.parse((await client.until(() => true))[0]!)).toMatchObject({ object: 'chat.completion' });
              client.socket.close();
            } else {
              const refused = await refusedUpgrade(socketUrl, apiKey!, { ca });
              expect([stated, asked, refused.status]).toEqual([stated, asked, 404]);
              expect(JSON.parse(refused.body).error_msg).toContain(told);
            }
          }
        }
      }
    } finally {
      lab.close();
    }
  });

  test('TLS spoken to the port without it fails as such (guide 2832)', async () => {
    const lab = await LiveLab.open(MATRIX, 50);
    const url = lab.addresses.gateway.replace('http', 'wss');
    await expect(Client.open(url)).rejects.toMatchObject({
      code: 'EPROTO',
      message: expect.stringMatching(/wrong version number/i),
    });
    lab.close();
  });

  test('in a lab: by the scheme of the URL', async () => {
    const lab = Lab.fromObject(MATRIX);
    await lab.run(async () => {
      for (const stated of SERVICES) {
        const url = lab.url(nameOf(stated));
        expect(url).toMatch(new RegExp(`^${overOf(stated)[0]!.toLowerCase()}://`));
        for (const asked of ['HTTP', 'HTTPS']) {
          const target = url.replace(/^\w+:/, `${asked.toLowerCase()}:`);
          const answer = await lab.fetch(`${target}/chat/completions`, post(BODY, lab.apiKey(nameOf(stated))));
          expect([stated, asked, answer.status]).toEqual([stated, asked, overOf(stated).includes(asked) ? 200 : 404]);
        }
      }
    });
  });

  test('the port with TLS is there when somebody is called over it', async () => {
    const plain = ['HTTP', 'WS'].map((protocol, index) => ({ ...chatService(`s${index}`, 1), protocol }));
    const lab = await LiveLab.open(scenario({ services: plain }));
    expect(lab.addresses).toMatchObject({ tlsGateway: null, certificate: null });
    lab.close();
  });
});

describe('inferlab serve over TLS', () => {
  test('the openai client streams with the certificate, and refuses to without', async () => {
    const file = join(folder, 'gateway.pem');
    const serving = await Serving.start([SMALL, '--no-traffic', '--certificate', file, '--speed', '20']);
    const { tlsGateway, gateway, certificate } = serving.addresses;
    expect(certificate).toBe(file);
    const { baseURL, apiKey, model } = serving.client;
    const secure = baseURL.replace(gateway, tlsGateway!);
    const client = (ca: string | undefined) =>
      new OpenAI({ baseURL: secure, apiKey, maxRetries: 0, fetch: trusting(ca) });
    const seen = await streamChat(client(readFileSync(file, 'utf8')), { model, content: 'Hello', maxTokens: 12 });
    expect(seen.tokenAt.length).toBeGreaterThan(0);
    const refused = client(undefined).models.list();
    await expect(refused).rejects.toMatchObject({ cause: { cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } } });
    // Asked in the clear, the port says nothing that a client could take for an answer.
    await expect(fetch(secure.replace('https', 'http'))).rejects.toThrow();
    expect((await serving.stop()).stderr).toBe('');
  });

  test('a certificate that nobody would need is an error', async () => {
    const settings = ['--set', 'services.0.protocol=HTTP'];
    for (const option of [
      ['--certificate', join(folder, 'none.pem')],
      ['--tls-port', '0'],
    ]) {
      const { code, stderr } = await inferlab(['serve', SMALL, ...settings, ...option]);
      expect([code, stderr]).toEqual([
        2,
        `inferlab: ${option[0]}: no service of the scenario is called over TLS (its "protocol" is HTTPS or WSS)\n`,
      ]);
    }
  });
});
