import { type CallMode, type CallProtocol, isWebSocket } from './call-protocol.ts';

/** Of so many live requests one is copied: 10 % (guide 3595, 3643), where the contract's field reads 50. */
export const COPIED_ONE_IN = 10;

/** What mirroring asks of a deployment. */
export interface MirroredDeployment {
  readonly name: string;
  /** It gets copies of live requests and no live request, whatever its weight (guide 3643). */
  readonly mirror?: boolean;
}

/** What is wrong with the mirrors among a service's deployments; undefined when nothing is. */
export function mirrorProblem(
  protocol: CallProtocol,
  mode: CallMode,
  deployments: readonly MirroredDeployment[],
): string | undefined {
  const mirrors = deployments.filter(({ mirror }) => mirror === true);
  if (mirrors.length === 0) return undefined;
  const of = `"${mirrors[0]!.name}" cannot be a mirror`;
  if (isWebSocket(protocol)) return `${of}: mirroring requires HTTP or HTTPS, not ${protocol} (guide 3643)`;
  if (mode === 'asynchronous') return `${of}: asynchronous calls are not mirrored (guide 3614)`;
  if (mirrors.length === deployments.length) return `${of}: no deployment would get live requests (guide 3644)`;
  return undefined;
}

/**
 * Chooses the live requests of a service that its mirrors get a copy of: by count, not by chance, the last of every
 * ten, so that of any ten in a row exactly one is copied. It is asked after a live backend was chosen and says nothing
 * to the client; what the mirror answers is dropped (guide 3604).
 */
export class MirrorTap {
  #live = 0;

  /** One more live request has its backend. @returns whether it is copied */
  copies(): boolean {
    this.#live = (this.#live + 1) % COPIED_ONE_IN;
    return this.#live === 0;
  }
}
