import { type Addresses, Live, LiveServer, needsTls, selfSigned } from '../../src/api/index.ts';
import { loadScenarioText } from '../../src/files/index.ts';
import type { Stamped } from '../../src/kernel/index.ts';
import { type Command, World } from '../../src/lab/index.ts';

/** A scenario served in this process, over real sockets. */
export class LiveLab {
  readonly world: World;
  readonly live: Live;
  readonly server: LiveServer;
  /** What has entered so far. */
  readonly journal: Stamped<Command>[] = [];
  /** PEM of the gateway's port with TLS; undefined where there is none. */
  readonly certificate: string | undefined;
  readonly #scenario: object;

  private constructor(scenario: object, speed: number) {
    this.#scenario = scenario;
    const { description } = loadScenarioText(JSON.stringify(scenario), 'scenario', {}, String);
    this.world = new World(description);
    this.world.runUntilSettled();
    this.live = new Live(
      this.world,
      speed,
      (entry) => this.journal.push(entry),
      () => this.server.followPods(),
    );
    const certificate = needsTls(description.services) ? selfSigned('127.0.0.1') : undefined;
    this.certificate = certificate?.cert;
    const tls = certificate === undefined ? {} : { tls: { port: 0, certificate } };
    this.server = new LiveServer(this.live, { host: '127.0.0.1', port: 0, ...tls });
  }

  /** Opened and running. @param speed simulated seconds a second */
  static async open(scenario: object, speed = 1): Promise<LiveLab> {
    const lab = new LiveLab(scenario, speed);
    await lab.server.open();
    lab.live.wake();
    return lab;
  }

  get addresses(): Addresses {
    return this.server.addresses();
  }

  url(service: string): string {
    return this.addresses.services.find(({ name }) => name === service)!.url;
  }

  apiKey(service: string): string {
    return this.addresses.services.find(({ name }) => name === service)!.apiKey!;
  }

  pod(slot: string): string {
    return this.addresses.pods.find(({ name }) => name === slot)!.url;
  }

  /** A command from outside, now. */
  command(command: Command): void {
    this.live.session.command(command);
    this.live.wake();
  }

  /** The world that its journal gives again, up to the same moment. */
  replayed(): World {
    const { description } = loadScenarioText(JSON.stringify(this.#scenario), 'scenario', {}, String);
    const world = new World(description);
    for (const { at, command } of this.journal) world.apply(at, command);
    world.runUntil(this.world.now);
    return world;
  }

  close(): void {
    this.live.stop();
    void this.server.close(() => true);
  }
}
