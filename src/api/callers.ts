import { keyDigest, parseAddress } from '../platform/index.ts';
import type { Credentials } from './language-model.ts';
import type { WireRequest } from './wire.ts';

/**
 * `Bearer`, in any case, one space or more, and the key (RFC 9110, 11.4): visible ASCII and nothing else. What is written
 * otherwise is no key: nothing is trimmed, decoded or folded, so that there is one spelling of each.
 */
const BEARER = /^bearer +([\x21-\x7e]+)$/i;
/** So clients send temporary keys, with a type of `temp`; whether a key is one is not looked at. */
const BARE = /^[\x21-\x7e]+$/;

/** Some proxies put the port behind an address, and brackets about one of version 6, as in RFC 7239. */
const WITH_PORT = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}|\[([^\]]*)\](?::\d{1,5})?)$/;

/** Callers that are remembered: few show many credentials, and who does is only read anew. */
const REMEMBERED = 1_024;

/**
 * Who a request says that it is from: digests of what it shows, and where it comes from. Keys come in `Authorization`
 * and tokens in `X-Auth-Token`, nowhere else: never in a query or a body.
 */
export class Callers {
  readonly #seed: number;
  readonly #digests = new Map<string, string>();
  readonly #addresses = new Map<string, string | undefined>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** @param privateConnection the one over which the request came in */
  credentialsOf({ headers, clientIp }: WireRequest, privateConnection?: string): Credentials {
    const key = keyOf(headers);
    const token = headers['x-auth-token'];
    const from = this.#addressOf(headers['x-forwarded-for']?.split(',', 1)[0]?.trim()) ?? this.#addressOf(clientIp);
    return {
      key: key === undefined ? null : this.#digestOf(key),
      token: token === undefined ? undefined : this.#digestOf(token),
      clientIp: from,
      privateConnection,
    };
  }

  #digestOf(text: string): string {
    return remembered(this.#digests, text, () => keyDigest(this.#seed, text));
  }

  #addressOf(text: string | undefined): string | undefined {
    return text === undefined ? undefined : remembered(this.#addresses, text, () => addressOf(text));
  }
}

function remembered<Value>(known: Map<string, Value>, text: string, read: () => Value): Value {
  if (known.has(text)) return known.get(text)!;
  if (known.size >= REMEMBERED) known.clear();
  const value = read();
  known.set(text, value);
  return value;
}

function keyOf({ authorization = '', 'x-api-key-type': type }: WireRequest['headers']): string | undefined {
  const bearer = BEARER.exec(authorization)?.[1];
  return bearer ?? (type === 'temp' ? BARE.exec(authorization)?.[0] : undefined);
}

/** Who stands behind a proxy is known by what the proxy says; what is no address says nothing. */
function addressOf(text: string): string | undefined {
  const [, four, six] = WITH_PORT.exec(text) ?? [];
  // A link-local address of a socket has its zone behind it.
  const [bare = ''] = (four ?? six ?? text).split('%', 1);
  return parseAddress(bare) === undefined ? undefined : bare;
}
