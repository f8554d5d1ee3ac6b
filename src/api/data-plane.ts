import type { Session } from '../lab/index.ts';
import {
  calledOver,
  isApplication,
  isWebSocket,
  type PrivateEntry,
  type Service,
  type UnitReplica,
} from '../platform/index.ts';
import type { GatewayErrorKey } from '../protocol/index.ts';
import { Application } from './application.ts';
import { Callers } from './callers.ts';
import { crossOrigin, isPreflight } from './cors.ts';
import { type Exchange, ReadyExchange } from './exchange.ts';
import { type Credentials, LanguageModel } from './language-model.ts';
import { Refusals } from './refusals.ts';
import { TaskPlane } from './tasks.ts';
import { Tokens } from './tokens.ts';
import { type Conversation, WebSocketPlane } from './websocket-plane.ts';
import {
  BODY_LIMIT_BYTES,
  type Door,
  type GatewayDoor,
  isGateway,
  protocolOf,
  servicePath,
  type WireRequest,
} from './wire.ts';

/** A service that a request at the gateway is for, and who asks. */
interface Called {
  readonly service: Service;
  readonly path: string;
  readonly credentials: Credentials;
}

/**
 * Everything that a caller of the platform can ask, free of any transport: a request in, an {@link Exchange} out.
 * It finds out who asks, of whom, and for what; who may call and where a call goes the gateway decides, when it takes the
 * command.
 */
export class DataPlane {
  readonly #session: Session;
  readonly #refusals: Refusals;
  readonly #languageModel: LanguageModel;
  readonly #application: Application;
  readonly #tasks: TaskPlane;
  readonly #tokens: Tokens;
  readonly #callers: Callers;
  readonly #webSocket: WebSocketPlane;

  constructor(session: Session) {
    this.#session = session;
    this.#refusals = new Refusals(session);
    this.#languageModel = new LanguageModel(session, this.#refusals);
    this.#application = new Application(session, this.#refusals);
    this.#tasks = new TaskPlane(session, this.#refusals);
    this.#tokens = new Tokens(session, this.#refusals);
    this.#callers = new Callers(session.world.description.seed);
    this.#webSocket = new WebSocketPlane(session, this.#refusals, this.#languageModel, this.#application);
  }

  handle(wire: WireRequest, door: Door): Exchange {
    const { path, query } = splitQuery(wire.path);
    return isGateway(door) ? this.#atGateway(wire, path, query, door) : this.#atPod(wire, path, query, door.slot);
  }

  /** A WebSocket handshake: a connection, or the answer over HTTP to who gets none. */
  connect(wire: WireRequest, door: Door): Conversation | Exchange {
    const { path, query } = splitQuery(wire.path);
    if (isGateway(door)) {
      const called = this.#called(wire, path, door, this.#entry(wire, path));
      if ('pull' in called) return called;
      const { service, credentials } = called;
      const handshake = { to: { service: service.name }, ...credentials };
      return this.#webSocket.open(handshake, { wire, path: called.path, query });
    }
    const { slot } = door;
    const replica = this.#session.world.platform.replicaAt(slot);
    if (replica?.loaded !== true || !isWebSocket(replica.deployment.service.spec.protocol)) {
      return this.#atPod(wire, path, query, slot);
    }
    return this.#webSocket.open({ to: { slot }, key: null }, { wire, path, query });
  }

  /** Whether anybody listens at a door. */
  listens(door: Door): boolean {
    return isGateway(door) || this.#session.world.platform.replicaAt(door.slot)?.engine?.alive === true;
  }

  /** The answer to who sends more than {@link BODY_LIMIT_BYTES}: the gateway's, or at a pod its server's own. */
  bodyTooLarge({ headers }: Pick<WireRequest, 'headers'>, door: Door): Exchange {
    const detail = `the limit is ${BODY_LIMIT_BYTES} bytes`;
    if (isGateway(door)) return this.#refuse(headers, 'bodyTooLarge', detail);
    const replica = this.#loadedAt(door.slot);
    if (replica === undefined) return this.#notThere();
    return isApplication(replica.unit)
      ? this.#application.bodyTooLarge()
      : this.#languageModel.bodyTooLarge(headers, detail);
  }

  /** What the gateway says itself a page of any origin may read. */
  #refuse(headers: WireRequest['headers'], error: GatewayErrorKey, detail?: string): Exchange {
    return crossOrigin(headers, this.#refusals.refuse(error, detail));
  }

  #atGateway(wire: WireRequest, path: string, query: string, door: GatewayDoor): Exchange {
    const privately = this.#entry(wire, path);
    // A private connection leads to its service alone: IAM is at the gateway's own hosts.
    const identity = privately === undefined ? this.#tokens.handle(wire, path, query) : undefined;
    if (identity !== undefined) return identity;
    const called = this.#called(wire, path, door, privately);
    if ('pull' in called) return called;
    const { service, credentials } = called;
    const asked = { wire, path: called.path, query };
    if (service.spec.mode === 'asynchronous') return this.#tasks.handle(asked, service, credentials);
    if (hasApplications(service)) return this.#application.atGateway(asked, service, credentials);
    // A preflight to a model service passes no gate; where its way leads nowhere, it is told so all the same.
    const { connections } = this.#session.world.platform;
    const leads = privately === undefined || connections.opens(privately.connection, service);
    if (isPreflight(wire) && !leads) return this.#refuse(wire.headers, 'addressRefused');
    return this.#languageModel.atGateway(asked, service, credentials);
  }

  #entry({ headers }: WireRequest, path: string): PrivateEntry | undefined {
    return this.#session.world.platform.connections.entry(headers.host ?? '', path);
  }

  /** Whom a request is for, if it may be asked in this way; else the refusal. */
  #called(wire: WireRequest, path: string, door: GatewayDoor, privately: PrivateEntry | undefined): Called | Exchange {
    const { platform } = this.#session.world;
    const named = privately?.rest === undefined ? servicePath(path) : undefined;
    const service =
      named === undefined
        ? (privately?.service ?? only(platform.services.filter(isThere)))
        : platform.services.find((each) => each.spec.id === named.service && isThere(each));
    if (service === undefined) {
      const nameless = named === undefined && platform.services.filter(isThere).length > 1;
      return this.#refuse(wire.headers, 'apiNotFound', nameless ? 'name the service in the path' : undefined);
    }
    // Each mode has URLs of its own (guide 3409); a path that names no service is its service's.
    if (named !== undefined && named.tasks !== (service.spec.mode === 'asynchronous')) {
      return this.#refuse(
        wire.headers,
        'apiNotFound',
        `the service is called ${named.tasks ? 'synchronously' : 'by tasks'}`,
      );
    }
    const protocols = calledOver(service.spec.protocol);
    if (!protocols.includes(protocolOf(wire, door))) {
      return this.#refuse(wire.headers, 'apiNotFound', `the service is called over ${protocols.join(' or ')}`);
    }
    const credentials = this.#callers.credentialsOf(wire, privately?.connection);
    // The bare URL of a service is the root of its containers (RFC 9112, 3.2.1).
    return { service, path: (privately?.rest ?? named?.rest ?? path) || '/', credentials };
  }

  #atPod(wire: WireRequest, path: string, query: string, slot: string): Exchange {
    const replica = this.#loadedAt(slot);
    if (replica === undefined) return this.#notThere();
    const asked = { wire, path, query };
    return isApplication(replica.unit)
      ? this.#application.atPod(asked, replica)
      : this.#languageModel.atPod(asked, replica);
  }

  #loadedAt(slot: string): UnitReplica | undefined {
    const replica = this.#session.world.platform.replicaAt(slot);
    return replica?.engine !== undefined && replica.loaded ? replica : undefined;
  }

  /** A server that has not loaded its model yet. */
  #notThere(): Exchange {
    return new ReadyExchange(this.#session.now, 503, { 'x-request-id': this.#refusals.asideId() }, '');
  }
}

const isThere = ({ deleted }: Service): boolean => !deleted;

/** The one that there is; undefined where there are none, or several. */
function only<Thing>(things: readonly Thing[]): Thing | undefined {
  return things.length === 1 ? things[0] : undefined;
}

/** A service's units are all of one kind. */
function hasApplications({ spec }: Service): boolean {
  const unit = spec.deployments[0]?.units[0];
  return unit !== undefined && isApplication(unit);
}

/** A path, and what follows its first question mark, byte for byte. */
function splitQuery(target: string): { readonly path: string; readonly query: string } {
  const at = target.indexOf('?');
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) };
}
