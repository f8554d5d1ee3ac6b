import { after, type EventKind, type Kernel, type Micros, NO_EVENT, Priority } from '../kernel/index.ts';
import type { EventLog } from '../telemetry/index.ts';
import type { Pod } from './pod.ts';
import { answerTo } from './pod-preparation.ts';
import { failureText, firstDelay, PROBE_KINDS, type ProbeAnswer, type ProbeKind } from './probes.ts';

/** What the probes of a container find out. */
export interface ProbeListener {
  /** A probe passes that did not before. */
  passed(pod: Pod, kind: ProbeKind): void;
  /** A probe has failed as often as it may. */
  failed(pod: Pod, kind: ProbeKind): void;
}

/** The second argument of an event: the probe, and whether its verdict is due or it is to be asked. */
const VERDICT = PROBE_KINDS.length;

/**
 * Asks the probes of running containers. A healthy container is not asked again until something about it changes,
 * and then at the moment at which it would have been: {@link Prober.healthChanged} says so.
 */
export class Prober {
  readonly #kernel: Kernel;
  readonly #events: EventLog;
  readonly #listener: ProbeListener;
  readonly #due: EventKind;

  constructor(kernel: Kernel, events: EventLog, pods: readonly Pod[], listener: ProbeListener) {
    this.#kernel = kernel;
    this.#events = events;
    this.#listener = listener;
    this.#due = kernel.kind('platform/probe', Priority.control, (index, argument) => {
      const kind = PROBE_KINDS[argument % VERDICT]!;
      const pod = pods[index]!;
      pod.probes[kind].token = NO_EVENT;
      if (argument < VERDICT) this.#ask(pod, kind);
      // Whoever answers again by now has answered in time.
      else this.#judge(pod, kind, answerTo(pod.unit.probes[kind]!, pod));
    });
  }

  /** A container has started: the startup probe holds the others back until it passes (guide 4078). */
  begin(pod: Pod): void {
    const { probes } = pod.unit;
    if (probes.startup !== undefined) this.#activate(pod, 'startup');
    else this.#beginOthers(pod);
  }

  /** A container has ended. */
  stop(pod: Pod): void {
    for (const kind of PROBE_KINDS) {
      const state = pod.probes[kind];
      this.#kernel.cancel(state.token);
      Object.assign(state, { token: NO_EVENT, failures: 0, passed: false, active: false });
    }
  }

  /** What a probe of this container hears may be different from now on. */
  healthChanged(pod: Pod): void {
    for (const kind of PROBE_KINDS) {
      const state = pod.probes[kind];
      if (!state.active || state.token !== NO_EVENT) continue;
      const { interval } = pod.unit.probes[kind]!;
      const missed = Math.max(0, Math.floor((this.#kernel.now - state.nextAt) / interval) + 1);
      this.#schedule(pod, kind, (state.nextAt + missed * interval) as Micros);
    }
  }

  #beginOthers(pod: Pod): void {
    for (const kind of ['readiness', 'liveness'] as const) {
      if (pod.unit.probes[kind] !== undefined) this.#activate(pod, kind);
    }
  }

  #activate(pod: Pod, kind: ProbeKind): void {
    pod.probes[kind].active = true;
    this.#schedule(pod, kind, after(this.#kernel.now, firstDelay(pod.unit.probes[kind]!)));
  }

  #schedule(pod: Pod, kind: ProbeKind, at: Micros, verdict = 0): void {
    const argument = PROBE_KINDS.indexOf(kind) + verdict;
    pod.probes[kind].token = this.#kernel.schedule(this.#due, at, pod.index, argument);
  }

  #ask(pod: Pod, kind: ProbeKind): void {
    const spec = pod.unit.probes[kind]!;
    pod.probes[kind].nextAt = after(this.#kernel.now, spec.interval);
    const answer = answerTo(spec, pod);
    if (answer === 'silent') this.#schedule(pod, kind, after(this.#kernel.now, spec.timeout), VERDICT);
    else this.#judge(pod, kind, answer);
  }

  #judge(pod: Pod, kind: ProbeKind, answer: ProbeAnswer): void {
    const state = pod.probes[kind];
    const spec = pod.unit.probes[kind]!;
    // A check that took longer than the interval puts off those that follow.
    state.nextAt = Math.max(state.nextAt, this.#kernel.now) as Micros;
    if (answer === 'healthy') {
      state.failures = 0;
      if (kind === 'startup') state.active = false;
      if (state.passed) return;
      state.passed = true;
      this.#events.pod(pod.name, 'Healthy');
      if (kind === 'startup') this.#beginOthers(pod);
      this.#listener.passed(pod, kind);
      return;
    }
    state.failures++;
    this.#events.pod(pod.name, 'Unhealthy', failureText(kind, spec, answer));
    this.#events.service(pod.deployment.service.name, 'podsUnhealthy', pod.deployment.name);
    this.#schedule(pod, kind, state.nextAt);
    if (state.failures !== spec.failureThreshold) return;
    state.passed = false;
    this.#listener.failed(pod, kind);
  }
}
