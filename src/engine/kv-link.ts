import { type EventKind, type EventToken, type Kernel, type Micros, NO_EVENT, Priority } from '../kernel/index.ts';

/** A link over which engines fetch keys and values. */
export interface KvLinkSpec {
  /** The connector's set-up of one transfer, microseconds: it belongs to the connector, not to the network. */
  readonly setupMicros: number;
  /** What all transfers on the link share, bytes per second. */
  readonly bytesPerSecond: number;
  /** Transfers run side by side and share the bandwidth, or one after the other. */
  readonly uploads: 'parallel' | 'serial';
}

interface Transfer {
  readonly id: number;
  readonly done: (arrived: boolean) => void;
  left: number;
  token: EventToken;
}

/**
 * Transfers over one link: a set-up, then an equal share of the bandwidth among those under way (processor sharing),
 * so that one transfer of B bytes alone takes setup + B / bandwidth. A broken link fails what is on it and what comes.
 */
export class KvLink {
  readonly #id: number;
  readonly #spec: KvLinkSpec;
  readonly #kernel: Kernel;
  readonly #events: LinkEvents;
  readonly #waiting: Transfer[] = [];
  readonly #settingUp = new Map<number, Transfer>();
  readonly #moving: Transfer[] = [];
  #slowdown = 1;
  /** What breaks it now. */
  readonly #breaks = new Set<unknown>();
  #since: Micros;
  #next: EventToken = NO_EVENT;
  #transfers = 0;

  constructor(id: number, spec: KvLinkSpec, kernel: Kernel, events: LinkEvents) {
    this.#id = id;
    this.#spec = spec;
    this.#kernel = kernel;
    this.#events = events;
    this.#since = kernel.now;
  }

  /** Transfers that have not ended. */
  get open(): number {
    return this.#waiting.length + this.#settingUp.size + this.#moving.length;
  }

  /**
   * @param done told once, whether the bytes have arrived
   * @returns takes them off the link, when nobody needs them any more; `done` is not told then
   */
  send(bytes: number, done: (arrived: boolean) => void): () => void {
    const transfer: Transfer = { id: this.#transfers++, done, left: bytes, token: NO_EVENT };
    if (this.#spec.uploads === 'serial' && this.#settingUp.size + this.#moving.length > 0) this.#waiting.push(transfer);
    else this.#setUp(transfer);
    return () => this.#withdraw(transfer);
  }

  /** From now on bytes take `factor` times as long. */
  slowDown(factor: number): void {
    this.#advance();
    this.#slowdown = factor;
    this.#scheduleNext();
  }

  /** Breaks the link, until whoever did mends it: one that several break is mended by all. What is on it then fails. */
  setBroken(broken: boolean, by?: unknown): void {
    const was = this.#breaks.size > 0;
    if (broken) this.#breaks.add(by);
    else this.#breaks.delete(by);
    if (!broken || was) return;
    const lost = [...this.#moving.splice(0), ...this.#settingUp.values(), ...this.#waiting.splice(0)];
    this.#settingUp.clear();
    this.#kernel.cancel(this.#next);
    for (const transfer of lost) this.#kernel.cancel(transfer.token);
    for (const transfer of lost) transfer.done(false);
  }

  /** To be called when a transfer's set-up is over. */
  onSetUp(id: number): void {
    const transfer = this.#settingUp.get(id)!;
    this.#settingUp.delete(id);
    if (this.#breaks.size > 0) {
      this.#end(transfer, false);
      return;
    }
    this.#advance();
    this.#moving.push(transfer);
    this.#scheduleNext();
  }

  /** To be called when the transfer with the least left has come. */
  onArrival(): void {
    this.#advance();
    // Whole microseconds overshoot: what is left then is none, or the rounding of a sum.
    const arrived = this.#moving.filter(({ left }) => left < 1);
    for (const transfer of arrived) remove(this.#moving, transfer);
    this.#scheduleNext();
    for (const transfer of arrived) this.#end(transfer, true);
  }

  #setUp(transfer: Transfer): void {
    this.#settingUp.set(transfer.id, transfer);
    const at = (this.#kernel.now + Math.round(this.#spec.setupMicros)) as Micros;
    transfer.token = this.#kernel.schedule(this.#events.setUp, at, this.#id, transfer.id);
  }

  #advance(): void {
    const { now } = this.#kernel;
    const bytes = ((now - this.#since) * this.#bytesPerMicro()) / Math.max(1, this.#moving.length);
    for (const transfer of this.#moving) transfer.left -= bytes;
    this.#since = now;
  }

  #bytesPerMicro(): number {
    return this.#spec.bytesPerSecond / 1e6 / this.#slowdown;
  }

  #scheduleNext(): void {
    this.#kernel.cancel(this.#next);
    if (this.#moving.length === 0) return;
    const least = Math.max(0, Math.min(...this.#moving.map(({ left }) => left)));
    const micros = Math.ceil((least * this.#moving.length) / this.#bytesPerMicro());
    this.#next = this.#kernel.schedule(this.#events.arrival, (this.#kernel.now + micros) as Micros, this.#id);
  }

  #end(transfer: Transfer, arrived: boolean): void {
    this.#setUpNext();
    transfer.done(arrived);
  }

  #withdraw(transfer: Transfer): void {
    if (remove(this.#waiting, transfer)) return;
    this.#advance();
    if (this.#settingUp.delete(transfer.id)) this.#kernel.cancel(transfer.token);
    else if (!remove(this.#moving, transfer)) return;
    this.#scheduleNext();
    this.#setUpNext();
  }

  /** Serial, the next that waits has the link. */
  #setUpNext(): void {
    const next = this.#spec.uploads === 'serial' ? this.#waiting.shift() : undefined;
    if (next !== undefined) this.#setUp(next);
  }
}

/** @returns whether it was there */
function remove(transfers: Transfer[], transfer: Transfer): boolean {
  const index = transfers.indexOf(transfer);
  if (index >= 0) transfers.splice(index, 1);
  return index >= 0;
}

interface LinkEvents {
  readonly setUp: EventKind;
  readonly arrival: EventKind;
}

/** The links of one world, by number, and the events that they share. */
export class KvLinkRoom {
  readonly #kernel: Kernel;
  readonly #events: LinkEvents;
  readonly #links: KvLink[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#events = {
      setUp: kernel.kind('engine/kv-set-up', Priority.progress, (link, transfer) =>
        this.#links[link]!.onSetUp(transfer),
      ),
      arrival: kernel.kind('engine/kv-arrival', Priority.progress, (link) => this.#links[link]!.onArrival()),
    };
  }

  open(spec: KvLinkSpec): KvLink {
    const link = new KvLink(this.#links.length, spec, this.#kernel, this.#events);
    this.#links.push(link);
    return link;
  }
}
