import type { IncomingMessage, ServerResponse } from 'node:http';
import { UserError } from '../kernel/index.ts';
import {
  type CallMode,
  type CallProtocol,
  calledOver,
  isSecure,
  isWebSocket,
  type ServiceSpec,
  type ServiceStatus,
} from '../platform/index.ts';
import { PROMETHEUS_CONTENT_TYPE } from '../protocol/index.ts';
import { type IamAddresses, iamAddresses, type PrivateAddress, privateAddresses } from './access-addresses.ts';
import { firstRoute } from './application.ts';
import type { Certificate } from './certificate.ts';
import { DataPlane } from './data-plane.ts';
import { type DoorExtras, HttpDoor } from './http-server.ts';
import { type NamedKey, ownKeys, plannedKeys } from './lab-keys.ts';
import type { Live } from './live.ts';
import { liveMetrics } from './live-metrics.ts';
import { WebSocketDoor } from './websocket.ts';
import { basePath, type Door, GATEWAY, SECURE_GATEWAY } from './wire.ts';

const PORT_MAX = 65_535;

/** Where everything listens: what `serve --json` prints. */
export interface Addresses {
  readonly gateway: string;
  /** Its port with TLS; null when no service is called over it. */
  readonly tlsGateway: string | null;
  /** The file with the certificate of that port, where one was asked for. */
  readonly certificate: string | null;
  readonly services: readonly {
    readonly id: string;
    readonly name: string;
    /** As it stands, in the contract's spelling. */
    readonly status: ServiceStatus;
    /** In the service's protocol; over HTTP where it states none. */
    readonly url: string;
    readonly protocols: readonly CallProtocol[];
    /** Asynchronous services take tasks alone, at `url` and `/tasks`. */
    readonly mode: CallMode;
    readonly auth: 'none' | 'token' | 'api-key';
    /** The first of them; null when the service asks for none. */
    readonly apiKey: string | null;
    /** Those that the service was made with, by their names. */
    readonly apiKeys: readonly NamedKey[];
    /** Empty where it serves none. */
    readonly model: string;
    /** Of an application, what it may be asked: its first route. Null where it serves a model. */
    readonly route: { readonly method: string; readonly path: string } | null;
    readonly privateConnections: readonly PrivateAddress[];
  }[];
  /** API keys that the timeline creates: good for nothing before it comes to them. None where it is left out. */
  readonly createdKeys: readonly NamedKey[];
  readonly iam: IamAddresses;
  /** By the slot that a pod holds: the address outlives the pod. */
  readonly pods: readonly { readonly name: string; readonly url: string }[];
}

export interface ServerOptions {
  readonly host: string;
  /** The gateway's port; 0 for any free one. */
  readonly port: number;
  /** Pods listen from here on, in order of their slots; absent, on any free ones. */
  readonly podPort?: number;
  /** The gateway's port with TLS; absent, there is none. */
  readonly tls?: {
    /** 0 for any free one. */
    readonly port: number;
    readonly certificate: Certificate;
    /** Where the certificate was written, for clients. */
    readonly file?: string;
  };
}

/** Whether some service is called over TLS. */
export function needsTls(services: readonly ServiceSpec[]): boolean {
  return services.some(({ protocol }) => calledOver(protocol).some(isSecure));
}

/** The port of a slot, and the engine that listens there. */
interface PodDoor {
  readonly slot: string;
  readonly door: HttpDoor;
  engine: number | undefined;
  busy: boolean;
}

/** A live world's sockets: the gateway's ports, and one for each instance's slot, open while its pod's process runs. */
export class LiveServer {
  readonly #live: Live;
  readonly #options: ServerOptions;
  readonly #plane: DataPlane;
  readonly #gateway: HttpDoor;
  readonly #tlsGateway: HttpDoor | undefined;
  readonly #webSockets: WebSocketDoor[] = [];
  readonly #pods: PodDoor[] = [];

  constructor(live: Live, options: ServerOptions) {
    const plane = new DataPlane(live.session);
    this.#live = live;
    this.#plane = plane;
    this.#options = options;
    const { tls } = options;
    const protocols = live.world.platform.services.flatMap(({ spec }) => calledOver(spec.protocol));
    const answer: DoorExtras['answer'] = (request, response) => answerOwnMetrics(live, request, response);
    this.#gateway = this.#door(GATEWAY, options.port, protocols.includes('WS'), { answer });
    this.#tlsGateway =
      tls && this.#door(SECURE_GATEWAY, tls.port, protocols.includes('WSS'), { answer, tls: tls.certificate });
    this.#findSlots();
  }

  /** Opens the gateway's ports and those of running pods. @throws UserError when a port is in use. */
  async open(): Promise<void> {
    await this.#gateway.open(this.#options.host);
    await this.#tlsGateway?.open(this.#options.host);
    for (const pod of this.#pods) {
      // Every slot gets its port at once, so that an upstream list can be written before its pod is there.
      await pod.door.open(this.#options.host);
      pod.engine = this.#engineAt(pod.slot);
      if (pod.engine === undefined) pod.door.cut();
    }
  }

  /**
   * Lets ports follow their pods, and WebSockets what became of them: a dead process refuses connections, its replacement
   * takes the port over.
   */
  followPods(): void {
    for (const door of this.#webSockets) door.follow();
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
    for (const door of this.#webSockets) door.end();
    const doors = [this.#gateway, this.#tlsGateway, ...this.#pods.map(({ door }) => door)];
    await Promise.all(doors.map((door) => door?.end(enough)));
  }

  addresses(): Addresses {
    const { platform, description } = this.#live.world;
    const { host, tls } = this.#options;
    const name = host.includes(':') ? `[${host}]` : host;
    const addressOf = (protocol: CallProtocol): string => {
      const { port } = (isSecure(protocol) ? this.#tlsGateway : undefined) ?? this.#gateway;
      return `${protocol.toLowerCase()}://${name}:${port}`;
    };
    return {
      gateway: addressOf('HTTP'),
      tlsGateway: this.#tlsGateway === undefined ? null : addressOf('HTTPS'),
      certificate: (this.#tlsGateway && tls?.file) ?? null,
      services: platform.services
        .map((service) => ({ service, spec: service.spec, keys: ownKeys(description, service) }))
        .map(({ service, spec, keys }) => ({
          id: spec.id,
          name: spec.name,
          status: service.status,
          url: `${addressOf(calledOver(spec.protocol)[0]!)}${basePath(spec)}`,
          protocols: calledOver(spec.protocol),
          mode: spec.mode ?? 'synchronous',
          auth: spec.auth.kind,
          apiKey: (spec.auth.kind === 'api-key' ? keys[0]?.key : undefined) ?? null,
          apiKeys: keys,
          model: spec.deployments[0]?.units[0]?.servedModelName ?? '',
          route: firstRoute(spec),
          privateConnections: privateAddresses(this.#live.session, service),
        })),
      createdKeys: plannedKeys(this.#live.world),
      iam: iamAddresses(this.#live.session),
      pods: this.#pods.map(({ slot, door }) => ({ name: slot, url: `http://${name}:${door.port}` })),
    };
  }

  #door(door: Door, port: number, webSocket: boolean, extras: DoorExtras): HttpDoor {
    if (!webSocket) return new HttpDoor(this.#live, this.#plane, door, port, extras);
    const sockets = new WebSocketDoor(this.#live, this.#plane, door);
    this.#webSockets.push(sockets);
    return new HttpDoor(this.#live, this.#plane, door, port, { ...extras, upgrade: sockets.upgrade });
  }

  /** Instances that upgrades and scaling add bring slots of their own. */
  #findSlots(): void {
    const { platform } = this.#live.world;
    // Asked at every turn, and hardly ever answered with more.
    if (platform.slotCount === this.#pods.length) return;
    for (const slot of platform.slots.slice(this.#pods.length)) {
      const port = podPortOf(this.#options.podPort, this.#pods.length);
      // A container speaks the protocol of its service (guide 441); at its own port without TLS.
      const webSocket = isWebSocket(platform.replicaAt(slot)?.deployment.service.spec.protocol);
      const door = this.#door({ slot }, port, webSocket, {});
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
  // Over a private connection it is the service that is asked.
  if (live.world.platform.connections.entry(request.headers.host ?? '', request.url) !== undefined) return false;
  response.writeHead(200, { 'content-type': PROMETHEUS_CONTENT_TYPE }).end(liveMetrics(live));
  return true;
}

/** @throws UserError when the last of the pods' ports would be none */
function podPortOf(base: number | undefined, index: number): number {
  if (base === undefined || base === 0) return 0;
  if (base + index > PORT_MAX) throw new UserError(`pod port ${base + index} is no port; expected a lower --pod-port`);
  return base + index;
}
