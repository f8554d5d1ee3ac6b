import { type Kernel, Priority } from '../kernel/index.ts';
import { type ApplicationEvents, ApplicationServer } from './application-server.ts';
import type { ApplicationServerSpec } from './application-spec.ts';
import { Engine, type EngineEvents } from './engine.ts';
import type { EngineListener } from './listener.ts';
import type { ProcessSpec, ServingProcess } from './serving-process.ts';
import type { EngineSpec } from './spec.ts';

/** The serving processes of one world, by number, and the events that they share. */
export class EngineRoom {
  readonly #kernel: Kernel;
  readonly #engineEvents: EngineEvents;
  readonly #applicationEvents: ApplicationEvents;
  readonly #processes: ServingProcess[] = [];

  constructor(kernel: Kernel) {
    const engine = (id: number): Engine => this.#processes[id] as Engine;
    const application = (id: number): ApplicationServer => this.#processes[id] as ApplicationServer;
    this.#kernel = kernel;
    this.#engineEvents = {
      stepEnd: kernel.kind('engine/step-end', Priority.progress, (id) => engine(id).onStepEnd()),
      entry: kernel.kind('engine/entry', Priority.arrival, (id, order) => engine(id).onEntry(order)),
    };
    this.#applicationEvents = {
      due: kernel.kind('engine/piece-due', Priority.progress, (id, order) => application(id).onDue(order)),
    };
  }

  start(spec: EngineSpec, listener: EngineListener): Engine {
    const engine = new Engine(this.#processes.length, spec, this.#kernel, this.#engineEvents, listener);
    this.#processes.push(engine);
    return engine;
  }

  startApplication(spec: ApplicationServerSpec, listener: EngineListener): ApplicationServer {
    const server = new ApplicationServer(this.#processes.length, spec, this.#kernel, this.#applicationEvents, listener);
    this.#processes.push(server);
    return server;
  }

  /** Starts what serves, whichever it is. */
  startAs({ kind, spec }: ProcessSpec, listener: EngineListener): ServingProcess {
    return kind === 'engine' ? this.start(spec, listener) : this.startApplication(spec, listener);
  }

  /** Every engine that ever ran, in order of start. */
  get all(): readonly Engine[] {
    return this.#processes.filter((each) => each instanceof Engine);
  }

  /** Everything that ever served, engine or application, in order of start. */
  get processes(): readonly ServingProcess[] {
    return this.#processes;
  }
}
