import { UserError } from '../kernel/index.ts';
import { checkScenario } from './checks.ts';
import { compileExpectation, type Expectation } from './expressions.ts';
import type { ServiceNames } from './figures.ts';
import { explain, type Problem, problemsOf } from './messages.ts';
import { type DeploymentEntry, type Scenario, scenarioSchema } from './schema.ts';
import { idsOf } from './schema-catalogue.ts';
import { Source } from './source.ts';

/** A trace that a scenario names: its path as written, relative to the scenario, and where it is named. */
export interface TraceFile {
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
}

/** A scenario read and checked as far as its own text goes; the files that it names are still to be read. */
export interface ScenarioDocument {
  readonly file: string;
  readonly scenario: Scenario;
  /** What deployments are to become, by the index of the upgrade in the timeline. */
  readonly upgrades: ReadonlyMap<number, DeploymentEntry>;
  readonly expectations: readonly Expectation[];
  /** The traces to hand to `describe`, each once. */
  readonly files: readonly TraceFile[];
  /** Where things stand. */
  readonly source: Source;
}

/** What a shell lays over a scenario, whatever it says. */
export interface Overrides {
  readonly seed?: number;
}

/**
 * Reads a scenario.
 * @param file the name that messages carry
 * @param settings `path=value` each, laid over the text: `services.chat.deployments.main.instances=4`
 * @throws UserError with everything that is wrong, the first by position first
 */
export function readScenario(
  text: string,
  file: string,
  settings: readonly string[] = [],
  overrides: Overrides = {},
): ScenarioDocument {
  const source = new Source(text, file, settings);
  const written = source.value();
  const result = scenarioSchema(idsOf(written)).safeParse(written, { error: explain });
  if (!result.success) {
    const problems = problemsOf(result.error.issues);
    // Another version has other rules: what else is wrong by this one's would mislead.
    const version = problems.filter(({ path }) => path[0] === 'inferlab');
    source.report(version.length > 0 ? version : problems);
  }
  const scenario: Scenario = { ...result.data!, ...(overrides.seed === undefined ? {} : { seed: overrides.seed }) };
  const { problems, upgrades } = checkScenario(scenario, written);
  const expectations = compileAll(scenario, problems);
  source.report(problems);
  return { file, scenario, upgrades, expectations, files: filesOf(scenario, source), source };
}

function compileAll(scenario: Scenario, problems: Problem[]): Expectation[] {
  const services = namesOf(scenario);
  return scenario.expect.flatMap((entry, index) => {
    const [text, name] = typeof entry === 'string' ? [entry, entry] : [entry.that, entry.name ?? entry.that];
    const path = typeof entry === 'string' ? ['expect', index] : ['expect', index, 'that'];
    try {
      return [compileExpectation(text, services, name)];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push({ path, message: error.message, at: 'value' });
      return [];
    }
  });
}

/** Of deployments that the timeline adds, too. */
function namesOf({ services, timeline }: Scenario): ServiceNames {
  const added = timeline.filter((item) => item.do === 'add-deployment');
  return Object.fromEntries(
    services.map(({ name, deployments }) => [
      name,
      [...deployments, ...added.filter(({ service }) => service === name).map(({ spec }) => spec)].map(
        (each) => each.name,
      ),
    ]),
  );
}

function filesOf(scenario: Scenario, source: Source): TraceFile[] {
  const files = new Map<string, TraceFile>();
  for (const [index, { arrivals }] of scenario.traffic.entries()) {
    if (arrivals.kind !== 'trace' || files.has(arrivals.file)) continue;
    const { line, column } = source.place(['traffic', index, 'arrivals', 'file']);
    const place = { ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
    files.set(arrivals.file, { path: arrivals.file, ...place });
  }
  return [...files.values()];
}
