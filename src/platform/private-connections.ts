import { after, type EventKind, fromSeconds, type Kernel, type Micros, Priority } from '../kernel/index.ts';
import {
  CONNECTION_ALLOWED,
  type ConnectionOperation,
  type ConnectionSpec,
  type ConnectionStatus,
  customUrlsProblem,
  networkProblem,
  parseCustomUrl,
  placeOf,
  type VpcSpec,
} from './private-connections-spec.ts';
import type { Service } from './service.ts';
import type { ServiceStatus } from './states.ts';

/** From approval to connection, and from the wish to delete it to its end. Assumed: the guide has no figures. */
const CONNECTING_TAKES = fromSeconds(10);
const DELETING_TAKES = fromSeconds(5);

/** Guide 2654: the service is running properly. */
const APPLIES_IN: readonly ServiceStatus[] = ['RUNNING', 'CONCERNING', 'UPGRADING'];

/** Access addresses are hosts below this one: `<connection>.<service id>.private.inferlab`. */
const PRIVATE_DOMAIN = '.private.inferlab';
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** What a failed connection says (guide 2679). */
const FAILED_MESSAGE = 'Connection failed. Try again';

/** A private connection between a network and a service. */
export interface PrivateConnection {
  /** `service/connection`. */
  readonly id: string;
  readonly service: Service;
  readonly spec: ConnectionSpec;
  readonly status: ConnectionStatus;
  /** Why it is as it is; empty when there is nothing to say. */
  readonly message: string;
  /** Its access address: the host by which calls come in over it. */
  readonly host: string;
  readonly createdAt: Micros;
}

interface Connection extends PrivateConnection {
  readonly index: number;
  spec: ConnectionSpec;
  status: ConnectionStatus;
  message: string;
}

/** A call that came in over a private connection. */
export interface PrivateEntry {
  /** The connection's id. */
  readonly connection: string;
  readonly service: Service;
  /** What follows the path of a custom URL; absent: the path is as on the public network. */
  readonly rest?: string;
}

/**
 * The private connections of all services (guide 2649-2746; the contract's states): applied for, approved, connected,
 * revoked. A call comes in over one by its host: the connection's access address, or a custom domain of it.
 */
export class PrivateConnections {
  readonly #kernel: Kernel;
  readonly #known: { readonly vpcs: readonly VpcSpec[]; readonly pools: readonly string[]; readonly account: string };
  /** By id; a deleted one until another takes its place, so that its address goes on to be refused. */
  readonly #connections = new Map<string, Connection>();
  readonly #all: Connection[] = [];
  readonly #connected: EventKind;
  readonly #deleted: EventKind;

  /** @param known the networks that there are, and the account whose the services are */
  constructor(
    kernel: Kernel,
    known: { readonly vpcs: readonly VpcSpec[]; readonly pools: readonly string[]; readonly account: string },
  ) {
    this.#kernel = kernel;
    this.#known = known;
    this.#connected = kernel.kind('platform/private-connection', Priority.control, (index) =>
      this.#onConnected(this.#all[index]!),
    );
    this.#deleted = kernel.kind('platform/private-connection-deletion', Priority.control, (index) =>
      this.#move(this.#all[index]!, 'DELETED'),
    );
  }

  /** In order of application. */
  get all(): readonly PrivateConnection[] {
    return this.#all;
  }

  /** One that is there from the beginning. It has no problem: whoever wrote it down has asked {@link problem}. */
  introduce(service: Service, spec: ConnectionSpec): void {
    this.#move(this.#add(service, spec), 'CONNECTED');
  }

  /** What comes in by a host, given what follows it; undefined when it is no connection's: it comes over the public network. */
  entry(host: string, path: string): PrivateEntry | undefined {
    if (this.#connections.size === 0) return undefined;
    const [name = ''] = host.toLowerCase().split(':', 1);
    let known: PrivateEntry | undefined;
    let longest = -1;
    for (const { id, host: address, service, spec } of this.#connections.values()) {
      if (name === address) return { connection: id, service };
      for (const url of spec.customUrls ?? []) {
        const custom = parseCustomUrl(url)!;
        const { length } = custom.path;
        if (custom.host !== (custom.host.includes(':') ? host : name)) continue;
        const leads = path.startsWith(custom.path) && (path.length === length || path[length] === '/');
        if (leads && length >= longest) {
          known = { connection: id, service, rest: path.slice(length) };
          longest = length;
        } else if (longest < 0) known = { connection: id, service };
      }
    }
    return known;
  }

  /** Whether calls that came in over a connection reach the service. */
  opens(id: string, service: Service): boolean {
    const connection = this.#connections.get(id);
    return connection?.service === service && connection.status === 'CONNECTED';
  }

  /** @returns why it was refused; undefined when it was taken */
  take(operation: ConnectionOperation, service: Service | undefined): string | undefined {
    if (service === undefined) return `there is no service "${operation.service}"`;
    if (service.disturbances.size > 0) return 'a component of the platform does not answer';
    if (operation.kind === 'create-connection') return this.#apply(service, operation);
    const connection = this.#connections.get(idOf(service, operation.connection));
    if (connection === undefined || connection.status === 'DELETED') {
      return `there is no private connection "${operation.connection}"`;
    }
    if (!CONNECTION_ALLOWED[operation.kind].includes(connection.status)) return `it is ${connection.status}`;
    switch (operation.kind) {
      case 'approve-connection':
      case 'retry-connection':
        this.#connect(connection);
        return undefined;
      case 'reject-connection':
        this.#move(connection, 'REJECTED', operation.reason);
        return undefined;
      case 'revoke-connection':
        this.#move(connection, 'CANCELED');
        return undefined;
      case 'delete-connection':
        this.#move(connection, 'DELETING');
        this.#kernel.schedule(this.#deleted, after(this.#kernel.now, DELETING_TAKES), connection.index);
        return undefined;
      case 'set-connection-urls': {
        const { customUrls } = operation;
        const problem =
          customUrlsProblem(customUrls, connection.service.spec.protocol) ?? this.#taken(customUrls, connection);
        if (problem === undefined) connection.spec = { ...connection.spec, customUrls };
        return problem;
      }
    }
  }

  /** What is wrong with a connection that is asked for; undefined when nothing is. */
  problem(service: Service, spec: ConnectionSpec): string | undefined {
    const { connection: name, customUrls = [], vpc, pool } = spec;
    if (!NAME.test(name)) return `"${name}" is no name of lower-case letters, digits and "-"`;
    const urls = customUrlsProblem(customUrls, service.spec.protocol);
    const wrong = networkProblem(spec, this.#known) ?? urls ?? this.#taken(customUrls);
    if (wrong !== undefined) return wrong;
    for (const other of this.#connections.values()) {
      if (other.service !== service || other.status === 'DELETED') continue;
      if (other.spec.connection === name) return `there is already a private connection "${name}"`;
      // Guide 2649, 2650.
      if (vpc !== undefined && other.spec.vpc === vpc) return `the service has one from VPC "${vpc}" already`;
      if (pool !== undefined && other.spec.pool === pool) return `the service has one from pool "${pool}" already`;
    }
    return undefined;
  }

  #apply(service: Service, { kind: _, service: __, ...spec }: ConnectionOperation & { kind: 'create-connection' }) {
    if (!APPLIES_IN.includes(service.status)) return `the service is ${service.status}`;
    const problem = this.problem(service, spec);
    if (problem !== undefined) return problem;
    const connection = this.#add(service, spec);
    const thirdParty = spec.account !== undefined && spec.account !== this.#known.account;
    // Guide 248: only a third party's needs approval, unless the service approves of all.
    if (thirdParty && service.spec.autoApproveConnections !== true) this.#move(connection, 'APPROVING');
    else this.#connect(connection);
    return undefined;
  }

  #add(service: Service, spec: ConnectionSpec): Connection {
    const id = idOf(service, spec.connection);
    const host = `${spec.connection}.${service.spec.id}${PRIVATE_DOMAIN}`.toLowerCase();
    const [index, createdAt] = [this.#all.length, this.#kernel.now];
    const connection: Connection = { id, index, service, spec, status: 'APPROVING', message: '', host, createdAt };
    this.#all.push(connection);
    this.#connections.delete(id);
    this.#connections.set(id, connection);
    return connection;
  }

  #connect(connection: Connection): void {
    this.#move(connection, 'CONNECTING');
    this.#kernel.schedule(this.#connected, after(this.#kernel.now, CONNECTING_TAKES), connection.index);
  }

  /** The platform cannot connect what does not answer (guide 2679). One that is being deleted connects no more. */
  #onConnected(connection: Connection): void {
    if (connection.status !== 'CONNECTING') return;
    const { service } = connection;
    if (service.disturbances.size > 0 || service.deleted) this.#move(connection, 'FAILED', FAILED_MESSAGE);
    else this.#move(connection, 'CONNECTED');
  }

  #move(connection: Connection, status: ConnectionStatus, message = ''): void {
    connection.status = status;
    connection.message = message;
    this.#kernel.trace.tell(this.#kernel.now, `private-connection ${connection.id} ${status}`);
  }

  /** Host and path tell where a call goes, so nobody else may have them. */
  #taken(urls: readonly string[], except?: Connection): string | undefined {
    const places = urls.map((url) => placeOf(parseCustomUrl(url)!));
    for (const other of this.#connections.values()) {
      if (other === except || other.status === 'DELETED') continue;
      const theirs = (other.spec.customUrls ?? []).map((url) => placeOf(parseCustomUrl(url)!));
      const clash = places.find((place) => theirs.includes(place));
      if (clash !== undefined) return `${clash} is a custom URL of private connection "${other.id}"`;
    }
    return undefined;
  }
}

function idOf({ name }: Service, connection: string): string {
  return `${name}/${connection}`;
}
