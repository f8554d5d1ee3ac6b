import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { WebSocket } from 'ws';
import { type Addresses, Live, LiveServer, selfSigned } from '../../src/api/index.ts';
import { loadScenarioText } from '../../src/files/index.ts';
import { World } from '../../src/lab/index.ts';

/** Simulated seconds in one of the wall's. */
const SPEED = 50;

/** Where a call is sent, with what, and in whose name. */
export interface LiveCall {
  readonly secure: boolean;
  /** Where it goes to; default: the gateway's own port. */
  readonly port?: number;
  /** The host that it names; default: the gateway's own. */
  readonly host?: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface LiveAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What came of a WebSocket: its messages, or the status with which its handshake was refused. */
export type SocketAnswer = { readonly messages: readonly string[] } | { readonly status: number };

/** A live platform behind real sockets, one with TLS and one without. */
export class LivePlatform {
  readonly addresses: Addresses;
  readonly #live: Live;
  readonly #server: LiveServer;
  readonly #ca: string;

  private constructor(live: Live, server: LiveServer, ca: string) {
    this.#live = live;
    this.#server = server;
    this.#ca = ca;
    this.addresses = server.addresses();
  }

  static async open(scenario: object): Promise<LivePlatform> {
    const world = new World(loadScenarioText(JSON.stringify(scenario), 'scenario', {}, String).description);
    world.runUntilSettled();
    const live = new Live(
      world,
      SPEED,
      () => {},
      () => server.followPods(),
    );
    const certificate = selfSigned('127.0.0.1');
    const server = new LiveServer(live, { host: '127.0.0.1', port: 0, tls: { port: 0, certificate } });
    await server.open();
    live.wake();
    return new LivePlatform(live, server, certificate.cert);
  }

  async close(): Promise<void> {
    this.#live.stop();
    await this.#server.close(() => true);
  }

  service(name: string): Addresses['services'][number] {
    return this.addresses.services.find((each) => each.name === name)!;
  }

  /** A path below a service. */
  pathOf(name: string, rest: string): string {
    return `/v2/infer/${this.service(name).id}${rest}`;
  }

  /** An IAM token, asked for as a client would. */
  async token(scope: object = { project: { id: this.addresses.iam.project.id } }): Promise<string> {
    const { domain, users } = this.addresses.iam;
    const [user] = users;
    const password = { user: { name: user!.name, password: user!.password, domain: { name: domain.name } } };
    const body = JSON.stringify({ auth: { identity: { methods: ['password'], password }, scope } });
    const { status, headers } = await this.call({ secure: false, method: 'POST', path: '/v3/auth/tokens', body });
    if (status !== 201) throw new Error(`No token: ${status}`);
    return headers['x-subject-token'] as string;
  }

  /** A call over HTTP or HTTPS. */
  call({
    secure,
    port = this.#portOf(secure),
    host,
    path,
    method = 'POST',
    headers = {},
    body = '',
  }: LiveCall): Promise<LiveAnswer> {
    const named = host === undefined ? headers : { ...headers, host };
    const options = { host: '127.0.0.1', port, path, method, headers: named, agent: false } as const;
    return new Promise((resolve, reject) => {
      const request = secure
        ? requestHttps({ ...options, ca: this.#ca, servername: 'localhost' })
        : requestHttp(options);
      request.on('error', reject).on('response', (response) => {
        const pieces: Buffer[] = [];
        response
          .on('data', (piece: Buffer) => pieces.push(piece))
          .on('error', reject)
          .on('end', () =>
            resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(pieces) }),
          );
      });
      request.end(body);
    });
  }

  /** A WebSocket that has been opened. */
  open({ secure, host, path, headers = {} }: LiveCall): WebSocket {
    const port = this.#portOf(secure);
    const named = host === undefined ? headers : { ...headers, host };
    const tls = secure ? { ca: this.#ca, servername: 'localhost' } : {};
    return new WebSocket(`${secure ? 'wss' : 'ws'}://127.0.0.1:${port}${path}`, { headers: named, ...tls });
  }

  /** Sends messages over a WebSocket, and waits for as many answers. */
  converse(call: LiveCall, messages: readonly string[]): Promise<SocketAnswer> {
    const socket = this.open(call);
    const heard: string[] = [];
    return new Promise((resolve, reject) => {
      socket
        .on('error', reject)
        .on('unexpected-response', (_, { statusCode }) => {
          resolve({ status: statusCode! });
          socket.terminate();
        })
        .on('open', () => {
          for (const message of messages) socket.send(message);
        })
        .on('message', (data) => {
          heard.push(String(data));
          if (heard.length < messages.length) return;
          resolve({ messages: heard });
          socket.close();
        });
    });
  }

  #portOf(secure: boolean): number {
    return Number(new URL(secure ? this.addresses.tlsGateway! : this.addresses.gateway).port);
  }
}
