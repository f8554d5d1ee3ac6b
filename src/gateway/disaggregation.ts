import {
  type EndReason,
  kvBytesPerToken,
  kvCopies,
  Sequence,
  type SequenceAsk,
  SequenceState,
} from '../engine/index.ts';
import type { Kernel, Micros } from '../kernel/index.ts';
import type { Instance, KvTransferSpec, UnitReplica } from '../platform/index.ts';
import type { RoutingPolicy } from './routing/index.ts';

/** One request on its way through a prefill and a decode engine. */
interface Flow {
  readonly ask: SequenceAsk;
  readonly spec: KvTransferSpec;
  readonly prefiller: UnitReplica;
  readonly prefill: Sequence;
  admittedAt: Micros;
  /** When its prompt was done. */
  prefilledAt: Micros;
  decoder: UnitReplica | undefined;
  decode: Sequence | undefined;
  /** Takes what is on the link for it off; nothing, when nothing is. */
  withdraw: () => void;
  triesLeft: number;
}

/** What the hand-off tells whoever keeps the requests. */
export interface HandOffListener {
  /** The answer goes on at this engine, in this sequence. */
  movedTo(request: number, replica: UnitReplica, sequence: Sequence): void;
  /** The request has ended with its prefill leg. */
  ended(prefill: Sequence, reason: EndReason, outputTokens: number): void;
}

/**
 * Prefill first, then decode. The prompt is computed on one engine and held there; a decode engine of the same
 * instance reserves its blocks, which holds the prompt back when it has none (back-pressure); then keys and values go
 * over the prefill pod's link, and the answer goes on. A transfer that fails is tried again, and in the end the decode
 * engine computes the prompt itself. Whatever either side dies of, or its client's leaving, takes the transfer off the
 * link: what others send has all of it.
 */
export class Disaggregation {
  readonly #kernel: Kernel;
  readonly #decodeRouting: (instance: Instance) => RoutingPolicy;
  readonly #listener: HandOffListener;
  readonly #flows = new Map<number, Flow>();

  constructor(kernel: Kernel, decodeRouting: (instance: Instance) => RoutingPolicy, listener: HandOffListener) {
    this.#kernel = kernel;
    this.#decodeRouting = decodeRouting;
    this.#listener = listener;
  }

  /** Starts a request on a prefill replica. @returns its prefill leg */
  start(prefiller: UnitReplica, ask: SequenceAsk): Sequence {
    const spec = prefiller.instance.version.spec.kvTransfer!;
    const watched = spec.firstToken === 'prefill' && ask.watched === true;
    const prefill = new Sequence({ ...ask, outputTokens: 1, leg: 'prefill', watched });
    this.#flows.set(ask.request, {
      ask,
      spec,
      prefiller,
      prefill,
      admittedAt: this.#kernel.now,
      prefilledAt: this.#kernel.now,
      decoder: undefined,
      decode: undefined,
      withdraw: () => {},
      triesLeft: spec.retries,
    });
    prefiller.engine!.submit(prefill);
    return prefill;
  }

  /** Whether the first token of this sequence is the client's. */
  showsFirstToken(sequence: Sequence): boolean {
    return sequence.leg !== 'prefill' || this.#flows.get(sequence.request)?.spec.firstToken === 'prefill';
  }

  onAdmitted(sequence: Sequence): void {
    const flow = this.#flows.get(sequence.request);
    if (flow?.prefill === sequence) flow.admittedAt = this.#kernel.now;
  }

  /** A prompt is computed: the answer goes on elsewhere, unless it has ended with its first token. */
  onPrefilled(sequence: Sequence): void {
    const flow = this.#flows.get(sequence.request)!;
    const { ask, prefiller, spec } = flow;
    const first = spec.firstToken === 'prefill' ? [this.#kernel.now] : [];
    flow.prefilledAt = this.#kernel.now;
    if (first.length === ask.outputTokens) {
      this.#finish(flow, 'finished', 1);
      return;
    }
    if (sequence.leaving) {
      this.#finish(flow, 'aborted', first.length);
      return;
    }
    const { instance } = prefiller;
    const decoders = instance.deployment.decoders(instance);
    if (decoders.length === 0) {
      this.#finish(flow, 'cut', first.length);
      return;
    }
    const decoder = this.#decodeRouting(instance).choose(decoders);
    const decode = new Sequence({ ...ask, leg: 'decode', generated: first });
    flow.decoder = decoder;
    flow.decode = decode;
    this.#listener.movedTo(ask.request, decoder, decode);
    decoder.engine!.submit(decode);
  }

  /** A decode leg has its blocks: its keys and values may come. */
  onReceiving(sequence: Sequence): void {
    const flow = this.#flows.get(sequence.request);
    if (flow?.decode === sequence) this.#transfer(flow);
  }

  /** @returns true if the leg's end is the request's */
  onEnded(sequence: Sequence, reason: EndReason): boolean {
    const flow = this.#flows.get(sequence.request);
    if (flow === undefined) return sequence.leg !== 'prefill';
    if (sequence === flow.prefill) {
      if (flow.decode === undefined && reason !== 'finished') {
        this.#flows.delete(sequence.request);
        return true;
      }
      // Held and released after its decode leg took over: the request goes on. Lost with its engine: so does it, and
      // what is still to come never will.
      flow.withdraw();
      if (flow.decode?.state === SequenceState.receiving) this.#recompute(flow);
      return false;
    }
    this.#flows.delete(sequence.request);
    flow.withdraw();
    flow.prefiller.engine!.release(flow.prefill);
    return true;
  }

  /** The client has gone. */
  abort(request: number): boolean {
    const flow = this.#flows.get(request);
    if (flow === undefined) return false;
    if (flow.decode !== undefined) flow.decoder!.engine!.abort(flow.decode);
    else flow.prefiller.engine!.abort(flow.prefill);
    return true;
  }

  #transfer(flow: Flow): void {
    const { prefiller, prefill } = flow;
    if (prefill.state !== SequenceState.held) {
      this.#recompute(flow);
      return;
    }
    flow.withdraw = prefiller.link!.send(this.#bytes(flow), (arrived) => {
      if (arrived) {
        flow.decoder!.engine!.receive(flow.decode!);
        prefiller.engine!.release(prefill);
      } else if (flow.triesLeft-- > 0) {
        this.#transfer(flow);
      } else {
        this.#recompute(flow);
      }
    });
  }

  #recompute({ decode, decoder, prefiller, prefill }: Flow): void {
    decoder!.engine!.recompute(decode!);
    prefiller.engine!.release(prefill);
  }

  /**
   * Bytes that are still to go when the prompt is done. Pulled: all. Pushed layer by layer: at least the last layer,
   * at most what the link could not carry while the prompt was computed (Splitwise, ISCA 2024). What a failed transfer
   * lost goes again as a whole.
   */
  #bytes({ ask, spec, prefiller, admittedAt, prefilledAt, triesLeft }: Flow): number {
    const { model } = prefiller.unit;
    const { kvBytesPerToken: perToken = kvBytesPerToken(model) } = prefiller.engine!.spec;
    // Heads that tensor parallelism replicates are sent by every device that holds them.
    const all = ask.promptTokens * perToken * kvCopies(model, prefiller.tensorWidth);
    if (spec.mode === 'pull' || triesLeft < spec.retries) return all;
    const carried = ((prefilledAt - admittedAt) * spec.bytesPerSecond) / 1e6;
    return Math.max(all / model.layers, all - carried);
  }

  #finish(flow: Flow, reason: EndReason, outputTokens: number): void {
    this.#flows.delete(flow.ask.request);
    flow.prefiller.engine!.release(flow.prefill);
    this.#listener.ended(flow.prefill, reason, outputTokens);
  }
}
