import { type Kernel, Priority } from '../kernel/index.ts';
import { Engine, type EngineEvents } from './engine.ts';
import type { EngineListener } from './listener.ts';
import type { EngineSpec } from './spec.ts';

/** The engines of one world, by number, and the events that they share. */
export class EngineRoom {
  readonly #kernel: Kernel;
  readonly #events: EngineEvents;
  readonly #engines: Engine[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#events = {
      stepEnd: kernel.kind('engine/step-end', Priority.progress, (id) => this.#engines[id]!.onStepEnd()),
      entry: kernel.kind('engine/entry', Priority.arrival, (id, order) => this.#engines[id]!.onEntry(order)),
    };
  }

  start(spec: EngineSpec, listener: EngineListener): Engine {
    const engine = new Engine(this.#engines.length, spec, this.#kernel, this.#events, listener);
    this.#engines.push(engine);
    return engine;
  }

  /** Every engine that ever ran, in order of start. */
  get all(): readonly Engine[] {
    return this.#engines;
  }
}
