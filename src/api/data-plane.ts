import type { Session } from '../lab/index.ts';
import { keyDigest } from '../platform/index.ts';
import type { GatewayErrorKey } from '../protocol/index.ts';
import { type Exchange, ReadyExchange } from './exchange.ts';
import { type Credentials, LanguageModel } from './language-model.ts';
import { Refusals } from './refusals.ts';
import { type Door, isGateway, servicePath, type WireRequest } from './wire.ts';

/**
 * Everything that a caller of the platform can ask, free of any transport: a request in, an {@link Exchange} out.
 * It finds out who asks, of whom, and for what; who may call and where a call goes the gateway decides, when it takes the
 * command.
 */
export class DataPlane {
  readonly #session: Session;
  readonly #refusals: Refusals;
  readonly #languageModel: LanguageModel;

  constructor(session: Session) {
    this.#session = session;
    this.#refusals = new Refusals(session);
    this.#languageModel = new LanguageModel(session, this.#refusals);
  }

  handle(wire: WireRequest, door: Door): Exchange {
    const [path = '', query = ''] = wire.path.split('?', 2);
    return isGateway(door) ? this.#atGateway(wire, path, query) : this.#atPod(wire, path, query, door.slot);
  }

  /** Whether anybody listens at a door. */
  listens(door: Door): boolean {
    return isGateway(door) || this.#session.world.platform.replicaAt(door.slot)?.engine?.alive === true;
  }

  /** The gateway's answer when it takes no request at all: too large a body, say. */
  refuse(error: GatewayErrorKey, detail?: string): Exchange {
    return this.#refusals.refuse(error, detail);
  }

  #atGateway(wire: WireRequest, path: string, query: string): Exchange {
    const { services } = this.#session.world.platform;
    const named = servicePath(path);
    const service =
      named === undefined
        ? services.length === 1
          ? services[0]
          : undefined
        : services.find(({ spec }) => spec.id === named.service);
    if (service === undefined) {
      return this.refuse(
        'apiNotFound',
        named === undefined && services.length > 1 ? 'name the service in the path' : undefined,
      );
    }
    const asked = { wire, path: named === undefined ? path : named.rest, query };
    return this.#languageModel.atGateway(asked, service, this.#credentialsOf(wire));
  }

  #atPod(wire: WireRequest, path: string, query: string, slot: string): Exchange {
    const replica = this.#session.world.platform.replicaAt(slot);
    if (replica?.engine === undefined || !replica.loaded) {
      return new ReadyExchange(this.#session.now, 503, {}, '');
    }
    return this.#languageModel.atPod({ wire, path, query }, replica);
  }

  #credentialsOf({ headers, clientIp }: WireRequest): Credentials {
    const digest = (secret: string): string => keyDigest(this.#session.world.description.seed, secret);
    const bearer = /^bearer\s+(.+)$/i.exec(headers.authorization ?? '');
    const token = headers['x-auth-token'];
    // Who stands behind a proxy is known by what the proxy says.
    const [first] = headers['x-forwarded-for']?.split(',', 1) ?? [];
    const from = first?.trim() ?? clientIp;
    return {
      key: bearer === null ? null : digest(bearer[1]!.trim()),
      ...(token === undefined ? {} : { token: digest(token) }),
      ...(from === undefined ? {} : { clientIp: from }),
    };
  }
}
