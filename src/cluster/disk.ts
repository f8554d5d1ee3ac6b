/**
 * A node's data disk, and the models cached on it for local storage acceleration (guide 3736): when there is no room
 * for one more, the least recently used go. Sizes in GiB.
 */
export class Disk {
  readonly sizeGiB: number;
  /** Cached models and their sizes, the least recently used first. */
  readonly #cached = new Map<string, number>();
  #filledGiB = 0;

  constructor(sizeGiB: number) {
    this.sizeGiB = sizeGiB;
  }

  get freeGiB(): number {
    let free = this.sizeGiB - this.#filledGiB;
    for (const size of this.#cached.values()) free -= size;
    return free;
  }

  has(model: string): boolean {
    return this.#cached.has(model);
  }

  /** Keeps a model, or renews its use; false, and nothing has changed, when it does not fit even alone. */
  keep(model: string, sizeGiB: number): boolean {
    if (sizeGiB > this.sizeGiB - this.#filledGiB) return false;
    this.#cached.delete(model);
    for (const oldest of this.#cached.keys()) {
      if (this.freeGiB >= sizeGiB) break;
      this.#cached.delete(oldest);
    }
    this.#cached.set(model, sizeGiB);
    return true;
  }

  /** Something else takes room, at most what is free; cached models stay. */
  fill(sizeGiB: number): void {
    this.#filledGiB += Math.min(sizeGiB, this.freeGiB);
  }

  /** What filled it is gone. */
  empty(): void {
    this.#filledGiB = 0;
  }

  clear(): void {
    this.#cached.clear();
  }
}
