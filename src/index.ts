/**
 * InferLab as a library: a simulated inference platform inside a test.
 *
 * ```ts
 * import OpenAI from 'openai';
 * import { Lab } from 'inferlab';
 *
 * const lab = Lab.fromFile('scenarios/quickstart.yaml');
 * await lab.run(async () => {
 *   const client = new OpenAI({ baseURL: lab.url('chat'), apiKey: lab.apiKey('chat'), fetch: lab.fetch });
 *   const stream = await client.chat.completions.create({ model: 'qwen3-8b', messages, stream: true });
 *   for await (const chunk of stream) { … }  // a minute of streaming passes in milliseconds
 * });
 * ```
 */
import { DataPlane, type Door, GATEWAY, LabFetch, Outbox, runInLabTime } from './api/index.ts';
import {
  journalHeader,
  type LoadedScenario,
  type LoadOptions,
  loadScenarioFile,
  loadScenarioText,
  readText,
} from './files/index.ts';
import { fromMillis, fromSeconds, journalLine, type Micros, type Stamped, type Uniform } from './kernel/index.ts';
import { type Command, type FaultSpec, mistakeInFault, Session, World } from './lab/index.ts';
import { apiKeyFor, type OperationSpec } from './platform/index.ts';
import { type Figures, figuresOf, judge, type Verdict } from './scenario/index.ts';
import type { PlatformEvent, RequestRecord } from './telemetry/index.ts';

export { UserError } from './kernel/index.ts';
export type { Figures, LoadOptions, OperationSpec, PlatformEvent, RequestRecord, Verdict };

/** The host of the gateway, inside a lab. */
const GATEWAY_HOST = 'gateway.inferlab';
/** Pods are hosts below this one: `<slot with dots>.pod.inferlab`. */
const POD_HOST = '.pod.inferlab';

/** Takes each member of a union by itself. */
type WithSeconds<Fault> = Fault extends unknown ? Omit<Fault, 'lasting'> & { readonly lastingSeconds?: number } : never;

/** What can be made to go wrong: a timeline entry's fault, with `lastingSeconds` where that may end. */
export type LabFault = WithSeconds<FaultSpec>;

/** A scenario as a running platform, in simulated time. Nothing moves but by `run`, `runUntil` and `simulate`. */
export class Lab {
  readonly #loaded: LoadedScenario;
  readonly #world: World;
  readonly #session: Session;
  readonly #outbox = new Outbox();
  readonly #fetch: LabFetch;
  readonly #commands: Stamped<Command>[] = [];
  readonly #random: Uniform;
  readonly #tokens = new Map<number, readonly Micros[]>();
  #activity = 0;
  #running = false;
  #wallMillis = 0;

  private constructor(loaded: LoadedScenario) {
    this.#loaded = loaded;
    this.#world = new World(loaded.description, { tokenSink: (request, times) => this.#tokens.set(request, times) });
    this.#session = new Session(
      this.#world,
      () => this.#world.now,
      (entry) => this.#commands.push(entry),
    );
    this.#random = this.#world.kernel.chance.stream('client/Math.random');
    this.#fetch = new LabFetch(
      new DataPlane(this.#session),
      this.#outbox,
      (url) => this.#doorOf(url),
      () => {
        if (!this.#running) throw new Error('lab.fetch works inside lab.run only: elsewhere no time passes');
        this.#activity++;
      },
    );
  }

  /** @throws UserError naming file, line and column of what is wrong */
  static fromFile(file: string, options: LoadOptions = {}): Lab {
    return new Lab(loadScenarioFile(file, options));
  }

  /** @param options.file the name that messages carry; traces are read relative to the working folder */
  static fromText(text: string, options: LoadOptions & { readonly file?: string } = {}): Lab {
    return new Lab(loadScenarioText(text, options.file ?? 'scenario', options, (path) => readText(path, path)));
  }

  /** A scenario as an object, in the file format's shape. */
  static fromObject(scenario: object, options: LoadOptions = {}): Lab {
    return Lab.fromText(JSON.stringify(scenario, null, 2), { ...options, file: 'scenario object' });
  }

  /** A WHATWG fetch into the lab, with no socket. To be used inside `run`. */
  readonly fetch: typeof globalThis.fetch = (input, init) => this.#fetch.fetch(input as string, init);

  /** Simulated milliseconds since the scenario began. */
  get nowMs(): number {
    return this.#world.now / 1_000;
  }

  /** The SHA-256 of everything that has happened so far: equal for equal runs. */
  get traceHash(): string {
    return this.#world.kernel.trace.digest();
  }

  /** The base URL of a service's OpenAI-compatible API, for a client's `baseURL`. */
  url(service?: string): string {
    return `http://${GATEWAY_HOST}/v2/infer/${this.#service(service).spec.id}/v1`;
  }

  /** The base URL of a pod's own endpoint. @param slot `service/deployment/instance` */
  podUrl(slot: string): string {
    if (!this.#world.platform.slots.includes(slot)) {
      throw new Error(`No slot "${slot}"; there are ${this.#world.platform.slots.join(', ')}`);
    }
    return `http://${slot.replaceAll('/', '.')}${POD_HOST}`;
  }

  /** A service's first API key; empty when it asks for none. */
  apiKey(service?: string): string {
    const { name, auth } = this.#service(service).spec;
    return auth.kind !== 'api-key' ? '' : apiKeyFor(this.#world.description.seed, name, auth.keys[0]!.name);
  }

  /** Runs the scenario to its end, in virtual time, and judges it. */
  simulate(): Verdict {
    const began = performance.now();
    this.#world.run();
    this.#world.check();
    this.#wallMillis += performance.now() - began;
    return this.verdict();
  }

  /** Runs until every service has been deployed, or has failed to. */
  runUntilReady(): void {
    this.#world.runUntilSettled();
  }

  /** Moves simulated time to `milliseconds` since the scenario began. */
  runUntil(milliseconds: number): void {
    this.#world.runUntil(fromMillis(milliseconds));
  }

  /**
   * Runs a client's code in lab time: its timers, `Date`, `performance.now` and `Math.random` are simulated, and
   * `lab.fetch` reaches the platform. Services are ready when it begins.
   * @throws what `body` throws; an error that says so when it waits for something outside the lab
   */
  async run<Result>(body: () => Promise<Result> | Result): Promise<Result> {
    if (this.#running) throw new Error('lab.run is running already');
    this.runUntilReady();
    this.#running = true;
    const lab = this;
    const began = performance.now();
    try {
      return await runInLabTime(
        {
          epoch: this.#world.description.epoch,
          random: this.#random,
          get now() {
            return lab.#world.now;
          },
          get activity() {
            return lab.#activity;
          },
          nextDue: () => Math.min(this.#world.kernel.nextAt(), this.#outbox.nextDue()) as Micros,
          advance: (at) => {
            this.#world.runUntil(at);
            this.#outbox.flush(this.#world.now);
          },
        },
        body,
      );
    } finally {
      this.#running = false;
      this.#wallMillis += performance.now() - began;
    }
  }

  /** Makes something go wrong, now. @throws when it names a service or an instance that does not exist */
  fault({ lastingSeconds, ...fault }: LabFault): void {
    const lasting = lastingSeconds === undefined ? {} : { lasting: fromSeconds(lastingSeconds) };
    const whole = { ...fault, ...lasting } as FaultSpec;
    const mistake = mistakeInFault(whole, this.#world.platform, this.#world.cluster);
    if (mistake !== undefined) throw new Error(mistake);
    this.#session.command({ kind: 'fault', fault: whole });
  }

  /**
   * Asks the platform for something, now, as an operator would: start, stop, scale, upgrade and so on.
   * @returns why it was refused; undefined when it was taken
   */
  operate(operation: OperationSpec): string | undefined {
    this.#session.command({ kind: 'operate', operation });
    return this.#world.operations.at(-1)!.refusal;
  }

  figures(): Figures {
    return figuresOf(this.#world);
  }

  verdict(): Verdict {
    return judge(this.#world, this.#loaded.expectations, {
      wallSeconds: this.#wallMillis / 1_000,
      reproduce: `inferlab run ${this.#loaded.file} --seed ${this.#world.description.seed}`,
    });
  }

  /** Service and pod events so far. */
  events(): readonly PlatformEvent[] {
    return this.#world.events.all();
  }

  /** Every request so far, in order of arrival. */
  requests(): RequestRecord[] {
    return [...this.#world.requests.records()];
  }

  /** When each token of a request that has ended left, microseconds of simulated time. */
  tokenMicros(request: number): readonly number[] {
    return this.#tokens.get(request) ?? [];
  }

  /** The journal so far: `inferlab replay` takes it. */
  journal(): string {
    const end = { end: this.#world.now, traceHash: this.traceHash };
    const lines = [journalHeader(this.#loaded, false), ...this.#commands, end];
    return lines.map((line) => journalLine<Command>(line)).join('');
  }

  #service(name: string | undefined) {
    const { services } = this.#world.platform;
    const service =
      name === undefined && services.length === 1 ? services[0] : services.find((each) => each.spec.name === name);
    if (service === undefined) {
      throw new Error(`No service "${name ?? ''}"; there are ${services.map(({ spec }) => spec.name).join(', ')}`);
    }
    return service;
  }

  #doorOf(url: URL): Door | undefined {
    if (url.hostname === GATEWAY_HOST) return GATEWAY;
    if (!url.hostname.endsWith(POD_HOST)) return undefined;
    const dotted = url.hostname.slice(0, -POD_HOST.length);
    const slot = this.#world.platform.slots.find((each) => each.replaceAll('/', '.') === dotted);
    return slot === undefined ? undefined : { slot };
  }
}
