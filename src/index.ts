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
import {
  basePath,
  createdKey,
  DataPlane,
  type Door,
  digested,
  GATEWAY,
  iamOf,
  issueToken,
  LabFetch,
  type LabOperation,
  Outbox,
  ownKey,
  runInLabTime,
  SECURE_GATEWAY,
} from './api/index.ts';
import {
  journalHeader,
  type LoadedScenario,
  type LoadOptions,
  loadScenarioFile,
  loadScenarioText,
  MachineHash,
  readText,
} from './files/index.ts';
import { type DeploymentShare, deploymentShares } from './gateway/index.ts';
import { fromMillis, fromSeconds, journalLine, type Micros, type Stamped, type Uniform } from './kernel/index.ts';
import { type Command, type FaultSpec, mistakeInFault, Session, World } from './lab/index.ts';
import {
  type AuthSpec,
  type CallMode,
  type CallProtocol,
  calledOver,
  type Operation,
  type OperationSpec,
  passwordFor,
  type ServiceSpec,
  type ServiceStatus,
} from './platform/index.ts';
import { type Figures, figuresOf, judge, type Verdict } from './scenario/index.ts';
import type { PlatformEvent, RequestRecord } from './telemetry/index.ts';

export { UserError } from './kernel/index.ts';
export type {
  Figures,
  LabOperation,
  LoadOptions,
  Operation,
  OperationSpec,
  PlatformEvent,
  RequestRecord,
  ServiceStatus,
  Verdict,
};

/** The host of the gateway, inside a lab. */
const GATEWAY_HOST = 'gateway.inferlab';
/** Pods are hosts below this one: `<slot with dots>.pod.inferlab`. */
const POD_HOST = '.pod.inferlab';

/** Whose token, and what for. */
export interface TokenOptions {
  readonly user?: string;
  /** The name of a project. */
  readonly project?: string;
  readonly scope?: 'project' | 'domain';
}

/** Takes each member of a union by itself. */
type WithSeconds<Fault> = Fault extends unknown ? Omit<Fault, 'lasting'> & { readonly lastingSeconds?: number } : never;

/** What can be made to go wrong: a timeline entry's fault, with `lastingSeconds` where that may end. */
export type LabFault = WithSeconds<FaultSpec>;

/** What is laid over a scenario, and what is left out of it. */
export interface LabOptions extends LoadOptions {
  /** Without the scenario's own traffic and timeline. */
  readonly noTraffic?: boolean;
}

/** A service as it stands, its status in the contract's spelling. */
export interface ServiceState {
  readonly name: string;
  readonly status: ServiceStatus;
  /** What its clients call the model; null when it serves none, and while it has no deployment. */
  readonly model: string | null;
  readonly mode: CallMode;
  readonly protocol: CallProtocol;
  /** How its clients prove who they are. */
  readonly auth: AuthSpec['kind'];
  readonly deployments: readonly DeploymentShare[];
}

/** A scenario as a running platform, in simulated time. Nothing moves but by `run`, `runUntil` and `simulate`. */
export class Lab {
  readonly #loaded: LoadedScenario;
  readonly #noTraffic: boolean;
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

  private constructor(loaded: LoadedScenario, { noTraffic = false }: LabOptions) {
    this.#loaded = loaded;
    this.#noTraffic = noTraffic;
    this.#world = new World(loaded.description, {
      traceHash: new MachineHash(),
      noTraffic,
      tokenSink: (request, times) => this.#tokens.set(request, times),
    });
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
  static fromFile(file: string, options: LabOptions = {}): Lab {
    return new Lab(loadScenarioFile(file, options), options);
  }

  /** @param options.file the name that messages carry; traces are read relative to the working folder */
  static fromText(text: string, options: LabOptions & { readonly file?: string } = {}): Lab {
    const loaded = loadScenarioText(text, options.file ?? 'scenario', options, (path) => readText(path, path));
    return new Lab(loaded, options);
  }

  /** A scenario as an object, in the file format's shape. */
  static fromObject(scenario: object, options: LabOptions = {}): Lab {
    return Lab.fromText(JSON.stringify(scenario, null, 2), { ...options, file: 'scenario object' });
  }

  /** A WHATWG fetch into the lab, with no socket: HTTP and HTTPS, no WebSocket. To be used inside `run`. */
  readonly fetch: typeof globalThis.fetch = (input, init) => this.#fetch.fetch(input as string, init);

  /** The scenario's name. */
  get name(): string {
    return this.#world.description.name;
  }

  get seed(): number {
    return this.#world.description.seed;
  }

  /** Simulated milliseconds since the scenario began. */
  get nowMs(): number {
    return this.#world.now / 1_000;
  }

  /** The SHA-256 of everything that has happened so far: equal for equal runs. */
  get traceHash(): string {
    return this.#world.kernel.trace.digest();
  }

  /** Every service, as it stands now. */
  services(): ServiceState[] {
    return this.#world.platform.services.map(({ name, status, spec, deployments }) => ({
      name,
      status,
      model: spec.deployments[0]?.units[0]?.servedModelName ?? null,
      mode: spec.mode ?? 'synchronous',
      protocol: calledOver(spec.protocol)[0]!,
      auth: spec.auth.kind,
      deployments: deploymentShares(deployments),
    }));
  }

  /**
   * The base URL of a service's OpenAI-compatible API, for a client's `baseURL`, in the service's protocol; of an
   * asynchronous service that which `/tasks` follows.
   */
  url(service?: string): string {
    return urlAt(GATEWAY_HOST, this.#service(service).spec);
  }

  /** The base URL of a pod's own endpoint. @param slot `service/deployment/instance` */
  podUrl(slot: string): string {
    if (!this.#world.platform.slots.includes(slot)) {
      throw new Error(`No slot "${slot}"; there are ${this.#world.platform.slots.join(', ')}`);
    }
    return `http://${slot.replaceAll('/', '.')}${POD_HOST}`;
  }

  /**
   * An API key that a service was made with, by default the first; empty when it was made without any.
   * @throws when it has none of that name
   */
  apiKey(service?: string, keyName?: string): string {
    return ownKey(this.#world, this.#service(service), keyName);
  }

  /** The text of an API key that the timeline or `operate` creates. @throws when there is none of that name */
  createdKey(name: string): string {
    return createdKey(this.#world, name);
  }

  /** The password of an IAM user; without a name of the first. `POST /v3/auth/tokens` takes it. */
  password(user?: string): string {
    return passwordFor(this.#world.description.seed, iamOf(this.#session).domain, this.#user(user));
  }

  /**
   * A new IAM token of a user, by default the first, for the project that the services are in; or for another, by name;
   * or for the domain, which no service takes.
   */
  token({ user, project, scope = 'project' }: TokenOptions = {}): string {
    const iam = iamOf(this.#session);
    const projects = [iam.project, ...iam.otherProjects];
    const found = project === undefined ? iam.project : projects.find(({ name }) => name === project);
    if (found === undefined) {
      throw new Error(`No project "${project}"; there are ${projects.map(({ name }) => name).join(', ')}`);
    }
    return issueToken(this.#session, this.#user(user), scope === 'domain' ? undefined : found).text;
  }

  /** The base URL of a service's API over a private connection. */
  privateUrl(connection: string, service?: string): string {
    const { spec, name } = this.#service(service);
    const all = this.#world.platform.connections.all.filter((each) => each.service.name === name);
    const found = all.findLast((each) => each.spec.connection === connection);
    if (found === undefined) {
      const known = all.map((each) => each.spec.connection).join(', ');
      throw new Error(`No private connection "${connection}" of "${name}"; there are ${known || 'none'}`);
    }
    return urlAt(found.host, spec);
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
   * A key that is created without a digest has the text that `createdKey` tells.
   * @returns why it was refused; undefined when it was taken
   */
  operate(operation: LabOperation): string | undefined {
    this.#session.command({ kind: 'operate', operation: digested(operation, this.seed) });
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
    const lines = [journalHeader(this.#loaded, this.#noTraffic), ...this.#commands, end];
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

  #user(name: string | undefined): string {
    const { users } = iamOf(this.#session);
    if (name === undefined || users.includes(name)) return name ?? users[0]!;
    throw new Error(`No user "${name}"; there are ${users.join(', ')}`);
  }

  #doorOf(url: URL): Door | undefined {
    const gateway = url.protocol === 'https:' ? SECURE_GATEWAY : GATEWAY;
    if (url.hostname === GATEWAY_HOST) return gateway;
    if (this.#world.platform.connections.entry(url.host, url.pathname) !== undefined) return gateway;
    if (!url.hostname.endsWith(POD_HOST)) return undefined;
    const dotted = url.hostname.slice(0, -POD_HOST.length);
    const slot = this.#world.platform.slots.find((each) => each.replaceAll('/', '.') === dotted);
    return slot === undefined ? undefined : { slot };
  }
}

/** A service's base URL at a host; of its protocols the first. */
function urlAt(host: string, spec: Pick<ServiceSpec, 'id' | 'mode' | 'protocol'>): string {
  const base = `${calledOver(spec.protocol)[0]!.toLowerCase()}://${host}${basePath(spec)}`;
  return spec.mode === 'asynchronous' ? base : `${base}/v1`;
}
