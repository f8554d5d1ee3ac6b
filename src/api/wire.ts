import type { ReadBody } from './operations.ts';

/** The largest body that the gateway takes: the upper end of the guide's request size limit (guide 258). */
export const BODY_LIMIT_BYTES = 50 * 2 ** 20;

/** A request as its bytes came: the path keeps its query, header names are in lower case. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  /** Where it comes from, as far as its transport knows. */
  readonly clientIp?: string | undefined;
  /** What the body says, when it has been read already; see `BodyReader`. */
  readonly read?: ReadBody;
}

/** Where a request comes in: at the gateway, or at the endpoint of the pod that holds a slot. */
export type Door = GatewayDoor | { readonly slot: string };

/** One of the gateway's ports. */
export interface GatewayDoor {
  /** It speaks TLS. */
  readonly secure: boolean;
}

/** The gateway's port without TLS. */
export const GATEWAY: GatewayDoor = { secure: false };

export function isGateway(door: Door): door is GatewayDoor {
  return 'secure' in door;
}

const SERVICE_PATH = /^\/v2\/infers?\/([^/?]+)(\/[^?]*)?/;

/** The service that a path names, and what follows it. */
export function servicePath(path: string): { readonly service: string; readonly rest: string } | undefined {
  const named = SERVICE_PATH.exec(path);
  return named === null ? undefined : { service: named[1]!, rest: named[2] ?? '' };
}

/** The path of the operation that a request asks for, whichever door it comes in by. */
export function operationPath(path: string): string {
  return servicePath(path)?.rest ?? path.split('?', 1)[0]!;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A body as text; what is no UTF-8 is replaced. */
export function textOf(body: Uint8Array): string {
  return decoder.decode(body);
}
