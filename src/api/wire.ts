import type { CallProtocol, ServiceSpec } from '../platform/index.ts';
import type { ReadBody } from './operations.ts';

/** The largest body that the gateway takes: the upper end of the guide's request size limit (guide 258). */
export const BODY_LIMIT_BYTES = 50 * 2 ** 20;

/** A client that lets this much of its answers pile up unread is disconnected. */
export const UNREAD_LIMIT_BYTES = 32 * 2 ** 20;

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

/** The gateway's port without TLS, and the one with it. */
export const GATEWAY: GatewayDoor = { secure: false };
export const SECURE_GATEWAY: GatewayDoor = { secure: true };

/** The protocol that a request at the gateway is made over: what it asks for, and whether its port speaks TLS. */
export function protocolOf({ headers }: WireRequest, { secure }: GatewayDoor): CallProtocol {
  const webSocket = headers.upgrade?.toLowerCase() === 'websocket';
  return webSocket ? (secure ? 'WSS' : 'WS') : secure ? 'HTTPS' : 'HTTP';
}

export function isGateway(door: Door): door is GatewayDoor {
  return 'secure' in door;
}

const SERVICE_PATH = /^\/v2\/(infers?|async-infer)\/([^/?]+)(\/[^?]*)?/;

/** A service that a path names. */
interface NamedService {
  readonly service: string;
  /** What follows it. */
  readonly rest: string;
  /** Its tasks are asked for (guide 3409). */
  readonly tasks: boolean;
}

/** The service that a path names, and what of it. */
export function servicePath(path: string): NamedService | undefined {
  const named = SERVICE_PATH.exec(path);
  return named === null ? undefined : { service: named[2]!, rest: named[3] ?? '', tasks: named[1] === 'async-infer' };
}

/** Where a service is called: what its mode's paths begin with (guide 3411). */
export function basePath({ id, mode }: Pick<ServiceSpec, 'id' | 'mode'>): string {
  return `/v2/${mode === 'asynchronous' ? 'async-infer' : 'infer'}/${id}`;
}

/** The path of the operation that a request asks for, whichever door it comes in by. */
export function operationPath(path: string): string {
  return servicePath(path)?.rest ?? path.split('?', 1)[0]!;
}

/** A body as text; what is no UTF-8 is replaced. */
export function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
}
