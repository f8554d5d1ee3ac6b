/** Of so many live requests one is copied: 10 % (guide 3595, 3643), where the contract's field reads 50. */
export const COPIED_ONE_IN = 10;

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
