/** The protocol of a service's calls, and how they are answered (guide 231, 244). */
export type CallProtocol = 'HTTP' | 'HTTPS' | 'WS' | 'WSS';
export type CallMode = 'synchronous' | 'asynchronous';

export function isWebSocket(protocol: CallProtocol): boolean {
  return protocol === 'WS' || protocol === 'WSS';
}
