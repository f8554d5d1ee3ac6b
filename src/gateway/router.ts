import type { Kernel, Micros } from '../kernel/index.ts';
import type { Deployment, Instance, RoutingPolicyName, Service, UnitReplica } from '../platform/index.ts';
import type { Attempt } from './attempt.ts';
import { type CallEnd, CircuitBreaker } from './circuit-breaker.ts';
import { MetricCollection } from './metric-collection.ts';
import { MirrorTap } from './mirroring.ts';
import { ReplicaBook, ROUTING_POLICIES, type RoutedRequest, type RoutingPolicy } from './routing/index.ts';
import { WeightedChoice } from './weights.ts';

/** A policy, and the name by which it was made: another name makes another. */
interface NamedPolicy {
  readonly name: RoutingPolicyName;
  readonly policy: RoutingPolicy;
}

/** Where a request goes: weights choose the deployment, circuit breakers and its routing policy the instance. */
export class Router {
  readonly #kernel: Kernel;
  /** What policies know of replicas. */
  readonly #replicas: ReplicaBook;
  readonly #metrics: MetricCollection;
  readonly #weights = new Map<Service, WeightedChoice>();
  readonly #taps = new Map<Service, MirrorTap>();
  /** Of instances: whom a prefill pod hands an answer on to. */
  readonly #policies = new Map<Deployment | Instance, NamedPolicy>();
  readonly #breakers = new WeakMap<UnitReplica, CircuitBreaker>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#replicas = new ReplicaBook(() => kernel.now);
    this.#metrics = new MetricCollection(kernel, this.#replicas);
  }

  /**
   * @param except where the request has just failed: chosen only where there is nobody else
   * @returns undefined when nobody takes requests
   */
  route(service: Service, request: RoutedRequest, except?: UnitReplica): UnitReplica | undefined {
    const deployment = known(this.#weights, service, newWeights).choose(service.deployments);
    if (deployment === undefined) return undefined;
    const backends = this.#passing(service, deployment.backends);
    const others = except === undefined ? backends : backends.filter((replica) => replica !== except);
    const candidates = others.length > 0 ? others : backends;
    return candidates.length === 0 ? undefined : this.#choose(deployment, deployment, candidates, request);
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

  /** An attempt begins at its replica. */
  opened(attempt: Attempt): void {
    this.#book(attempt, attempt.replica);
    const breaker = this.#breakerOf(attempt.replica);
    // A mirror's answers are nobody's, and so are its failures.
    if (attempt.request !== undefined && breaker !== undefined) attempt.passage = breaker.pass(this.#kernel.now);
  }

  /** It goes on at another replica as well. */
  movedTo(attempt: Attempt, replica: UnitReplica): void {
    if (attempt.bookedAt !== undefined) this.#book(attempt, replica);
  }

  /** Its first token has come. */
  answers({ startedAt, bookedAt }: Attempt): void {
    if (bookedAt === undefined) return;
    const { now } = this.#kernel;
    for (const replica of bookedAt) this.#replicas.observe(replica, (now - startedAt) as Micros, now);
  }

  /** It has ended, or is waited for no more; told again, nothing happens. */
  closed(attempt: Attempt, end: CallEnd): void {
    if (attempt.bookedAt !== undefined) {
      for (const replica of attempt.bookedAt) this.#replicas.closed(replica, attempt.routed.sloClass);
      attempt.bookedAt = undefined;
    }
    if (attempt.passage === undefined) return;
    this.#breakerOf(attempt.replica)!.ended(attempt.passage, end, this.#kernel.now);
    attempt.passage = undefined;
  }

  /** Nobody listens at a replica that was chosen. */
  failed(replica: UnitReplica): void {
    const { now } = this.#kernel;
    const breaker = this.#breakerOf(replica);
    if (breaker !== undefined) breaker.ended(breaker.pass(now), 'failed', now);
  }

  /** Policies look at the figures of their own deployment's replicas; without one nobody does. */
  #book(attempt: Attempt, replica: UnitReplica): void {
    if (replica.deployment.spec.routing === undefined) return;
    attempt.bookedAt ??= [];
    attempt.bookedAt.push(replica);
    this.#replicas.opened(replica, attempt.routed.sloClass);
  }

  /** The circuit breaker in front of a replica; undefined where its service has none. */
  #breakerOf(replica: UnitReplica): CircuitBreaker | undefined {
    const spec = replica.deployment.service.spec.circuitBreaker;
    return spec && known(this.#breakers, replica, () => new CircuitBreaker(spec));
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
