import type { IncomingMessage, ServerResponse } from 'node:http';
import { UserError } from '../kernel/index.ts';
import { apiKeyFor } from '../platform/index.ts';
import { PROMETHEUS_CONTENT_TYPE } from '../protocol/index.ts';
import { DataPlane } from './data-plane.ts';
import { HttpDoor } from './http-server.ts';
import type { Live } from './live.ts';
import { liveMetrics } from './live-metrics.ts';
import { GATEWAY } from './wire.ts';

const PORT_MAX = 65_535;

/** Where everything listens: what `serve --json` prints. */
export interface Addresses {
  readonly gateway: string;
  readonly services: readonly {
    readonly id: string;
    readonly name: string;
    readonly url: string;
    /** Null when the service asks for none. */
    readonly apiKey: string | null;
    readonly model: string;
  }[];
  /** By the slot that a pod holds: the address outlives the pod. */
  readonly pods: readonly { readonly name: string; readonly url: string }[];
}

export interface ServerOptions {
  readonly host: string;
  /** The gateway's port; 0 for any free one. */
  readonly port: number;
  /** Pods listen from here on, in order of their slots; absent, on any free ones. */
  readonly podPort?: number;
}

/** The port of a slot, and the engine that listens there. */
interface PodDoor {
  readonly slot: string;
  readonly door: HttpDoor;
  engine: number | undefined;
  busy: boolean;
}

/** A live world's sockets: the gateway's port, and one for each instance's slot, open while its pod's process runs. */
export class LiveServer {
  readonly #live: Live;
  readonly #options: ServerOptions;
  readonly #plane: DataPlane;
  readonly #gateway: HttpDoor;
  readonly #pods: PodDoor[] = [];

  constructor(live: Live, options: ServerOptions) {
    const plane = new DataPlane(live.session);
    this.#live = live;
    this.#plane = plane;
    this.#options = options;
    this.#gateway = new HttpDoor(live, plane, GATEWAY, options.port, {
      answer: (request, response) => answerOwnMetrics(live, request, response),
    });
    this.#findSlots();
  }

  /** Opens the gateway's port and those of running pods. @throws UserError when a port is in use. */
  async open(): Promise<void> {
    await this.#gateway.open(this.#options.host);
    for (const pod of this.#pods) {
      // Every slot gets its port at once, so that an upstream list can be written before its pod is there.
      await pod.door.open(this.#options.host);
      pod.engine = this.#engineAt(pod.slot);
      if (pod.engine === undefined) pod.door.cut();
    }
  }

  /** Lets ports follow their pods: a dead process refuses connections, its replacement takes the port over. */
  followPods(): void {
    this.#findSlots();
    for (const pod of this.#pods) {
      const engine = this.#engineAt(pod.slot);
      if (engine === pod.engine || pod.busy) continue;
      if (pod.door.isOpen) pod.door.cut();
      pod.engine = engine;
      if (engine === undefined) continue;
      pod.busy = true;
      void pod.door.open(this.#options.host).then(
        () => {
          pod.busy = false;
        },
        () => {
          // Somebody took the port meanwhile: the next turn tries again.
          pod.door.cut();
          pod.engine = undefined;
          pod.busy = false;
        },
      );
    }
  }

  /** Lets readers have what was answered, until `enough` says so, and closes every port. */
  async close(enough: () => boolean): Promise<void> {
    await Promise.all([this.#gateway, ...this.#pods.map(({ door }) => door)].map((door) => door.end(enough)));
  }

  addresses(): Addresses {
    const { platform, description } = this.#live.world;
    const { host } = this.#options;
    const base = `http://${host.includes(':') ? `[${host}]` : host}`;
    const gateway = `${base}:${this.#gateway.port}`;
    return {
      gateway,
      services: platform.services.map(({ spec }) => ({
        id: spec.id,
        name: spec.name,
        url: `${gateway}/v2/infer/${spec.id}`,
        apiKey: spec.auth.kind !== 'api-key' ? null : apiKeyFor(description.seed, spec.name, spec.auth.keys[0]!.name),
        model: spec.deployments[0]?.units[0]?.servedModelName ?? '',
      })),
      pods: this.#pods.map(({ slot, door }) => ({ name: slot, url: `${base}:${door.port}` })),
    };
  }

  /** Instances that upgrades and scaling add bring slots of their own. */
  #findSlots(): void {
    const { slots } = this.#live.world.platform;
    for (const slot of slots.slice(this.#pods.length)) {
      const port = podPortOf(this.#options.podPort, this.#pods.length);
      const door = new HttpDoor(this.#live, this.#plane, { slot }, port);
      this.#pods.push({ slot, door, engine: undefined, busy: false });
    }
  }

  #engineAt(slot: string): number | undefined {
    const engine = this.#live.world.platform.replicaAt(slot)?.engine;
    return engine?.alive === true ? engine.id : undefined;
  }
}

function answerOwnMetrics(live: Live, request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method !== 'GET' || request.url !== '/metrics') return false;
  response.writeHead(200, { 'content-type': PROMETHEUS_CONTENT_TYPE }).end(liveMetrics(live));
  return true;
}

/** @throws UserError when the last of the pods' ports would be none */
function podPortOf(base: number | undefined, index: number): number {
  if (base === undefined || base === 0) return 0;
  if (base + index > PORT_MAX) throw new UserError(`pod port ${base + index} is no port; expected a lower --pod-port`);
  return base + index;
}
