import { type EndReason, kvBytesPerToken, kvCopies, type Sequence, SequenceState } from '../engine/index.ts';
import type { Kernel, Micros } from '../kernel/index.ts';
import type { Instance, KvTransferSpec, UnitReplica } from '../platform/index.ts';
import { Choice, type ChoiceAsk } from './choice.ts';

/** One answer on its way through a prefill and a decode engine. */
interface Flow {
  readonly ask: ChoiceAsk;
  readonly spec: KvTransferSpec;
  readonly prefiller: UnitReplica;
  readonly prefill: Choice;
  admittedAt: Micros;
  /** When its prompt was done. */
  prefilledAt: Micros;
  decoder: UnitReplica | undefined;
  decode: Choice | undefined;
  /** Takes what is on the link for it off; nothing, when nothing is. */
  withdraw: () => void;
  triesLeft: number;
}

/** What the hand-off asks and tells whoever keeps the requests. */
export interface HandOffListener {
  /** Who goes on with the answer that began in this sequence. */
  decoderOf(prefill: Choice, instance: Instance, decoders: readonly UnitReplica[]): UnitReplica;
  /** The answer goes on at this engine, in this sequence. */
  movedTo(replica: UnitReplica, sequence: Choice): void;
  /** The answer has ended with its prefill leg. */
  ended(prefill: Choice, reason: EndReason, outputTokens: number): void;
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
  readonly #listener: HandOffListener;
  /** By each of their legs. */
  readonly #flows = new Map<Sequence, Flow>();

  constructor(kernel: Kernel, listener: HandOffListener) {
    this.#kernel = kernel;
    this.#listener = listener;
  }

  /** Starts an answer on a prefill replica. @returns its prefill leg */
  start(prefiller: UnitReplica, ask: ChoiceAsk): Choice {
    const spec = prefiller.instance.version.spec.kvTransfer!;
    const watched = spec.firstToken === 'prefill' && ask.watched === true;
    // To its own engine it is a request for one token.
    const prefill = new Choice({ ...ask, outputTokens: 1, leg: 'prefill', watched, maxTokens: 1, siblings: undefined });
    this.#flows.set(prefill, {
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
    return sequence.leg !== 'prefill' || this.#flows.get(sequence)?.spec.firstToken === 'prefill';
  }

  onAdmitted(sequence: Sequence): void {
    const flow = this.#flows.get(sequence);
    if (flow?.prefill === sequence) flow.admittedAt = this.#kernel.now;
  }

  /** A prompt is computed: the answer goes on elsewhere, unless it has ended with its first token. */
  onPrefilled(sequence: Sequence): void {
    const flow = this.#flows.get(sequence)!;
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
    const decoder = this.#listener.decoderOf(flow.prefill, instance, decoders);
    const decode = new Choice({
      ...ask,
      leg: 'decode',
      generated: first,
      cachedTokens: flow.prefill.cachedTokens,
    });
    flow.decoder = decoder;
    flow.decode = decode;
    this.#flows.set(decode, flow);
    this.#listener.movedTo(decoder, decode);
    decoder.engine!.submit(decode);
  }

  /** A decode leg has its blocks: its keys and values may come. */
  onReceiving(sequence: Sequence): void {
    const flow = this.#flows.get(sequence);
    if (flow?.decode === sequence) this.#transfer(flow);
  }

  /** @returns true if the leg's end is the request's */
  onEnded(sequence: Sequence, reason: EndReason): boolean {
    const flow = this.#flows.get(sequence);
    if (flow === undefined) return sequence.leg !== 'prefill';
    if (sequence === flow.prefill) {
      if (flow.decode === undefined && reason !== 'finished') {
        this.#forget(flow);
        return true;
      }
      // Held and released after its decode leg took over: the request goes on. Lost with its engine: so does it, and
      // what is still to come never will.
      flow.withdraw();
      if (flow.decode?.state === SequenceState.receiving) this.#recompute(flow);
      return false;
    }
    this.#forget(flow);
    flow.withdraw();
    flow.prefiller.modelEngine!.release(flow.prefill);
    return true;
  }

  /** The client of an answer has gone, which began with this leg. */
  abort(prefill: Sequence): boolean {
    const flow = this.#flows.get(prefill);
    if (flow === undefined) return false;
    if (flow.decode !== undefined) abortAt(flow.decoder!, flow.decode);
    else abortAt(flow.prefiller, flow.prefill);
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
        flow.decoder!.modelEngine!.receive(flow.decode!);
        prefiller.modelEngine!.release(prefill);
      } else if (flow.triesLeft-- > 0) {
        this.#transfer(flow);
      } else {
        this.#recompute(flow);
      }
    });
  }

  #recompute({ decode, decoder, prefiller, prefill }: Flow): void {
    decoder!.modelEngine!.recompute(decode!);
    prefiller.modelEngine!.release(prefill);
  }

  /**
   * Bytes that are still to go when the prompt is done. Pulled: all. Pushed layer by layer: at least the last layer,
   * at most what the link could not carry while the prompt was computed (Splitwise, ISCA 2024). What a failed transfer
   * lost goes again as a whole.
   */
  #bytes({ ask, spec, prefiller, admittedAt, prefilledAt, triesLeft }: Flow): number {
    const { model } = prefiller.modelUnit;
    const { kvBytesPerToken: perToken = kvBytesPerToken(model) } = prefiller.modelEngine!.spec;
    // Heads that tensor parallelism replicates are sent by every device that holds them.
    const all = ask.promptTokens * perToken * kvCopies(model, prefiller.tensorWidth);
    if (spec.mode === 'pull' || triesLeft < spec.retries) return all;
    const carried = ((prefilledAt - admittedAt) * spec.bytesPerSecond) / 1e6;
    return Math.max(all / model.layers, all - carried);
  }

  #finish(flow: Flow, reason: EndReason, outputTokens: number): void {
    this.#forget(flow);
    flow.prefiller.modelEngine!.release(flow.prefill);
    this.#listener.ended(flow.prefill, reason, outputTokens);
  }

  #forget({ prefill, decode }: Flow): void {
    this.#flows.delete(prefill);
    if (decode !== undefined) this.#flows.delete(decode);
  }
}

/** A dead engine's sequences end by themselves. */
export function abortAt({ engine }: UnitReplica, sequence: Sequence): void {
  if (engine?.alive === true) engine.abort(sequence);
}
