/**
 * Things that come and go by the million, by number. V8's Map makes itself a new table every so often, and its old tables
 * go on pointing to the newer ones: with objects in them, what long is gone outlives every young collection. Here the Map
 * holds places alone, and a place is emptied when its thing goes.
 */
export class Turnover<Thing> {
  readonly #places = new Map<number, number>();
  readonly #things: (Thing | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#places.size;
  }

  get(number: number): Thing | undefined {
    const place = this.#places.get(number);
    return place === undefined ? undefined : this.#things[place];
  }

  /** The number is new. */
  add(number: number, thing: Thing): void {
    const place = this.#free.pop() ?? this.#things.length;
    this.#things[place] = thing;
    this.#places.set(number, place);
  }

  /** @returns whether it was there */
  delete(number: number): boolean {
    const place = this.#places.get(number);
    if (place === undefined) return false;
    this.#places.delete(number);
    this.#things[place] = undefined;
    this.#free.push(place);
    return true;
  }

  /** In the order in which they came. */
  values(): Thing[] {
    return Array.from(this.#places.values(), (place) => this.#things[place]!);
  }

  clear(): void {
    this.#places.clear();
    this.#things.length = 0;
    this.#free.length = 0;
  }
}
