import { loadScenarioFile } from '../files/index.ts';
import { World } from '../lab/index.ts';
import { jsonSchema } from '../scenario/index.ts';
import { ExitCode } from './exit.ts';
import type { ScenarioOptions } from './options.ts';

/** What the parts of a scenario are called, one of them and several. */
const NOUNS = [
  ['pools', 'pool', 'pools'],
  ['services', 'service', 'services'],
  ['traffic', 'stream of traffic', 'streams of traffic'],
  ['timeline', 'timeline entry', 'timeline entries'],
  ['expectations', 'expectation', 'expectations'],
] as const;

/** `inferlab validate FILE`: everything that can be found wrong without running the scenario. */
export function validate(file: string, options: ScenarioOptions & { readonly json?: boolean }): ExitCode {
  const { description, expectations } = loadScenarioFile(file, { seed: options.seed, settings: options.set });
  // Composing a world finds engines that could not start.
  new World(description);
  const summary = {
    scenario: description.name,
    pools: description.pools.length,
    services: description.services.length,
    traffic: description.traffic.length,
    timeline: description.timeline.length,
    expectations: expectations.length,
  };
  if (options.json === true) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else {
    const text = NOUNS.map(([part, one, many]) => `${summary[part]} ${summary[part] === 1 ? one : many}`);
    process.stdout.write(`${summary.scenario}: valid; ${text.join(', ')}\n`);
  }
  return ExitCode.pass;
}

/** `inferlab schema`: the scenario format as JSON Schema. */
export function printSchema(): ExitCode {
  process.stdout.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
  return ExitCode.pass;
}
