import { Lab, type ServiceState } from '../index.ts';
import { type Micros, suggestion, UserError } from '../kernel/index.ts';
import { askAll, authorization, bars, type ComparedService, type Question, type Target } from './compare-targets.ts';
import type { ScenarioOptions } from './options.ts';

export interface LabComparisonOptions extends ScenarioOptions {
  /** Commander's form of `--no-traffic`. */
  readonly traffic: boolean;
  /** How long after the services are ready; default at once. */
  readonly at?: Micros;
}

/** A comparison in simulated time. */
export interface LabComparison {
  readonly scenario: string;
  readonly seed: number;
  /** The moment of asking, since the scenario began. */
  readonly simulatedSeconds: number;
  readonly services: readonly ComparedService[];
}

/**
 * Runs a scenario until its services are ready, or until `at` after that, and asks its services, in simulated time.
 * @param names the services to ask; default all
 * @throws UserError for a name that no service has
 */
export async function compareInLab(
  file: string,
  names: readonly string[] | undefined,
  question: Question,
  options: LabComparisonOptions,
): Promise<LabComparison> {
  const lab = Lab.fromFile(file, { seed: options.seed, settings: options.set, noTraffic: !options.traffic });
  // A name that is wrong is told before anything runs.
  chosen(lab.services(), names);
  lab.runUntilReady();
  if (options.at !== undefined) lab.runUntil(lab.nowMs + options.at / 1_000);
  const simulatedSeconds = Math.round(lab.nowMs * 1_000) / 1e6;
  const targets = chosen(lab.services(), names).map((service) => targetOf(lab, service));
  const services = await lab.run(() => askAll(targets, question, { fetch: lab.fetch, now: () => performance.now() }));
  return { scenario: lab.name, seed: lab.seed, simulatedSeconds, services };
}

function targetOf(lab: Lab, service: ServiceState): Target {
  const { name, status, model, auth } = service;
  const { barred, comparable } = bars(service);
  const headers =
    auth === 'token' && barred === null ? { 'x-auth-token': lab.token() } : authorization(lab.apiKey(name));
  return { name, url: lab.url(name), model, headers, state: status, barred, comparable };
}

/** Those named, in the order of their naming. @throws UserError for a name that none has */
export function chosen<Each extends { readonly name: string }>(
  every: readonly Each[],
  names: readonly string[] | undefined,
): readonly Each[] {
  if (names === undefined) return every;
  return [...new Set(names)].map((name) => {
    const found = every.find((each) => each.name === name);
    if (found !== undefined) return found;
    const known = every.map((each) => each.name);
    throw new UserError(`there is no service "${name}"${suggestion(name, known)}`);
  });
}
