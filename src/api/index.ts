/**
 * The api shell: everything that connects to a running world. One transport-free data plane, carried by sockets
 * against the wall clock or by an in-process fetch in lab time. It translates and validates; it decides nothing.
 */
export { type Certificate, selfSigned } from './certificate.ts';
export { DataPlane } from './data-plane.ts';
export type { Delivery, Exchange } from './exchange.ts';
export { LabFetch } from './lab-fetch.ts';
export { createdKey, digested, type LabOperation, type NamedKey, ownKey } from './lab-keys.ts';
export { runInLabTime, type TimeDriver } from './lab-time.ts';
export { type LagFigures, Live } from './live.ts';
export { Outbox } from './outbox.ts';
export { type Addresses, LiveServer, needsTls, type ServerOptions } from './server.ts';
export { iamOf, issueToken } from './tokens.ts';
export { warmUp } from './warm-up.ts';
export { basePath, type Door, GATEWAY, SECURE_GATEWAY, type WireRequest } from './wire.ts';
