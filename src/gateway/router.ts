import type { Kernel, Micros } from '../kernel/index.ts';
import type {
  CircuitBreakerSpec,
  Deployment,
  Instance,
  RoutingPolicyName,
  Service,
  UnitReplica,
} from '../platform/index.ts';
import type { Attempt } from './attempt.ts';
import { type CallEnd, CircuitBreaker } from './circuit-breaker.ts';
import type { Connection } from './connections.ts';
import { MetricCollection } from './metric-collection.ts';
import { MirrorTap } from './mirroring.ts';
import { ReplicaBook, ROUTING_POLICIES, type RoutedRequest, type RoutingPolicy } from './routing/index.ts';
import type { TrafficBook } from './traffic-book.ts';
import { WeightedChoice } from './weights.ts';

/** A policy, and the name by which it was made: another name makes another. */
interface NamedPolicy {
  readonly name: RoutingPolicyName;
  readonly policy: RoutingPolicy;
}

/** Where a request goes: weights choose the deployment, circuit breakers and its routing policy the instance. */
export class Router {
  readonly #kernel: Kernel;
  readonly #traffic: TrafficBook;
  /** What policies know of replicas. */
  readonly #replicas: ReplicaBook;
  readonly #metrics: MetricCollection;
  readonly #weights = new Map<Service, WeightedChoice>();
  readonly #taps = new Map<Service, MirrorTap>();
  /** Of instances: whom a prefill pod hands an answer on to. */
  readonly #policies = new Map<Deployment | Instance, NamedPolicy>();
  readonly #breakers = new WeakMap<
    UnitReplica,
    { readonly spec: CircuitBreakerSpec; readonly breaker: CircuitBreaker }
  >();

  /** @param traffic what deployments are given is counted there */
  constructor(kernel: Kernel, traffic: TrafficBook) {
    this.#kernel = kernel;
    this.#traffic = traffic;
    this.#replicas = new ReplicaBook(() => kernel.now);
    this.#metrics = new MetricCollection(kernel, this.#replicas);
  }

  /**
   * A deployment whose circuit breakers let nobody's call through gets none, and the others share its part.
   * @returns undefined when nobody takes requests
   */
  route(service: Service, request: RoutedRequest): UnitReplica | undefined {
    const weights = known(this.#weights, service, newWeights);
    const deployment =
      service.spec.circuitBreaker === undefined
        ? weights.choose(service.deployments)
        : weights.choose(service.deployments, ({ backends }) => this.#passing(service, backends).length > 0);
    if (deployment === undefined) return undefined;
    this.#traffic.routed(deployment);
    return this.#choose(deployment, deployment, this.#passing(service, deployment.backends), request);
  }

  /** As {@link route}, of a request that has just failed at a replica: that is chosen only where there is nobody else. */
  routeAgain(service: Service, request: RoutedRequest, failed: UnitReplica | undefined): UnitReplica | undefined {
    return this.routeAmong(service, request, (replica) => replica !== failed) ?? this.route(service, request);
  }

  /** As {@link route}, among those that take it: a deployment that has none of them gets nothing. */
  routeAmong(
    service: Service,
    request: RoutedRequest,
    takes: (replica: UnitReplica) => boolean,
  ): UnitReplica | undefined {
    const open = ({ backends }: Deployment) => this.#passing(service, backends).filter(takes);
    const weights = known(this.#weights, service, newWeights);
    const deployment = weights.choose(service.deployments, (each) => open(each).length > 0);
    if (deployment === undefined) return undefined;
    this.#traffic.routed(deployment);
    return this.#choose(deployment, deployment, open(deployment), request);
  }

  /** One more live request of a service has its backend. @returns who gets copies of it (guide 3604, 3643) */
  mirrors(service: Service, request: RoutedRequest): readonly UnitReplica[] {
    const { deployments } = service;
    if (!deployments.some(isMirror) || !known(this.#taps, service, newTap).copies()) return NOBODY;
    return deployments
      .filter(({ mirror, backends }) => mirror && backends.length > 0)
      .map((deployment) => this.#choose(deployment, deployment, deployment.backends, request));
  }

  /** Who goes on with an answer whose prompt is computed. */
  decoder(instance: Instance, decoders: readonly UnitReplica[], request: RoutedRequest): UnitReplica {
    return this.#choose(instance, instance.deployment, decoders, request);
  }

  /** A connection is open at its replica from now on, busy or not: whoever counts open requests counts it as one. */
  connected(connection: Connection): void {
    const { replica, routed } = connection;
    if (!isRouted(replica)) return;
    connection.booked = true;
    this.#replicas.opened(replica, routed.sloClass);
  }

  /** It is open no more. */
  disconnected({ replica, routed, booked }: Connection): void {
    if (booked) this.#replicas.closed(replica, routed.sloClass);
  }

  /** An attempt begins at its replica. What goes over a connection is counted there with it. */
  opened(attempt: Attempt): void {
    const { replica, request } = attempt;
    const overConnection = request?.connection !== undefined;
    if (!overConnection) this.#book(attempt, replica);
    else if (isRouted(replica)) attempt.bookedAt = [];
    // A mirror's answers are nobody's, and so are its failures.
    if (request === undefined) {
      this.#traffic.copied(replica.deployment);
      return;
    }
    const breaker = this.#breakerOf(replica);
    if (breaker === undefined) return;
    // A connection goes on where a new call would not be let through, and so does a task that its container holds.
    if (!breaker.passes(this.#kernel.now)) return;
    attempt.passage = breaker.pass(this.#kernel.now);
  }

  /** It goes on at another replica as well. */
  movedTo(attempt: Attempt, replica: UnitReplica): void {
    if (attempt.bookedAt !== undefined) this.#book(attempt, replica);
  }

  /** Its first token has come. */
  answers({ startedAt, bookedAt, replica: first }: Attempt): void {
    if (bookedAt === undefined) return;
    const { now } = this.#kernel;
    for (const replica of new Set([first, ...bookedAt]))
      this.#replicas.observe(replica, (now - startedAt) as Micros, now);
  }

  /** It has ended, or is waited for no more; told again, nothing happens. */
  closed(attempt: Attempt, end: CallEnd): void {
    if (attempt.bookedAt !== undefined) {
      for (const replica of attempt.bookedAt) this.#replicas.closed(replica, attempt.routed.sloClass);
      attempt.bookedAt = undefined;
    }
    if (attempt.passage === undefined) return;
    this.#breakerOf(attempt.replica)?.ended(attempt.passage, end, this.#kernel.now);
    attempt.passage = undefined;
  }

  /** Nobody listens at a replica that was chosen, or it has no room. */
  failed(replica: UnitReplica): void {
    const { now } = this.#kernel;
    const breaker = this.#breakerOf(replica);
    // What goes on where a new call would not be let through is not counted either.
    if (breaker?.passes(now) === true) breaker.ended(breaker.pass(now), 'failed', now);
  }

  /** Policies look at the figures of their own deployment's replicas; without one nobody does. */
  #book(attempt: Attempt, replica: UnitReplica): void {
    if (!isRouted(replica)) return;
    attempt.bookedAt ??= [];
    attempt.bookedAt.push(replica);
    this.#replicas.opened(replica, attempt.routed.sloClass);
  }

  /** The circuit breaker in front of a replica; undefined where its service has none. */
  #breakerOf(replica: UnitReplica): CircuitBreaker | undefined {
    const spec = replica.deployment.service.spec.circuitBreaker;
    if (spec === undefined) return undefined;
    const there = this.#breakers.get(replica);
    if (there?.spec === spec) return there.breaker;
    // With other settings it begins anew; calls that are under way count there.
    const breaker = new CircuitBreaker(spec);
    this.#breakers.set(replica, { spec, breaker });
    return breaker;
  }

  #passing({ spec }: Service, backends: readonly UnitReplica[]): readonly UnitReplica[] {
    if (spec.circuitBreaker === undefined) return backends;
    return backends.filter((replica) => this.#breakerOf(replica)!.passes(this.#kernel.now));
  }

  #choose(
    by: Deployment | Instance,
    { spec }: Deployment,
    backends: readonly UnitReplica[],
    request: RoutedRequest,
  ): UnitReplica {
    const name = spec.routing?.policy ?? 'round-robin';
    if (name === 'composite-load') this.#metrics.refresh(backends);
    let named = this.#policies.get(by);
    if (named?.name !== name) {
      named = { name, policy: ROUTING_POLICIES[name](this.#replicas) };
      this.#policies.set(by, named);
    }
    return named.policy.choose(backends, request);
  }
}

const NOBODY: readonly UnitReplica[] = [];
/** Its deployment has a policy that looks at figures. */
const isRouted = ({ deployment }: UnitReplica): boolean => deployment.spec.routing !== undefined;
const isMirror = ({ mirror }: Deployment): boolean => mirror;
const newWeights = (): WeightedChoice => new WeightedChoice();
const newTap = (): MirrorTap => new MirrorTap();

/** What is known under a key; made when it is first asked for. */
function known<Key extends object, Value>(
  map: { get(key: Key): Value | undefined; set(key: Key, value: Value): unknown },
  key: Key,
  make: () => Value,
): Value {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}
