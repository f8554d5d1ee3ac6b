import { join } from 'node:path';
import type { Engine, EngineListener } from '../../src/engine/index.ts';
import type { EventKind, Micros } from '../../src/kernel/index.ts';
import { built, ROOT } from '../support/built.ts';

/** Tells nobody. */
const SILENT: EngineListener = { admitted() {}, firstToken() {}, preempted() {}, ended() {} };

async function load(scenario: string, settings: readonly string[] = []) {
  const { loadScenarioFile } = await built('files');
  return loadScenarioFile(join(ROOT, 'scenarios', `${scenario}.yaml`), { settings });
}

/**
 * The whole path of `inferlab run` but the reading of files: a world composed, run and judged.
 * @param settings as with `--set`
 */
export async function simulatedRequests(scenario: string, settings?: readonly string[]): Promise<() => number> {
  const loaded = await load(scenario, settings);
  const { World } = await built('lab');
  const { judge } = await built('scenario');
  return () => {
    const world = new World(loaded.description);
    world.run();
    const verdict = judge(world, loaded.expectations, { wallSeconds: 0, reproduce: '' });
    if (verdict.verdict !== 'pass') throw new Error(`${scenario} fails`);
    return verdict.requests.completed;
  };
}

/** The engines of a scenario, fed with its trace in turn: no platform, no gateway, no log, no hash. */
export async function engineRequests(scenario: string): Promise<() => number> {
  const loaded = await load(scenario);
  const { EngineRoom, Sequence } = await built('engine');
  const { Kernel, Priority } = await built('kernel');
  const { World } = await built('lab');
  const settled = new World(loaded.description, { noTraffic: true });
  settled.runUntilSettled();
  const specs = settled.engines.all.map(({ spec }) => spec);
  const arrivals = loaded.description.traffic[0]!.arrivals;
  if (arrivals.kind !== 'trace') throw new Error(`${scenario} replays no trace`);
  const { at, promptTokens, outputTokens } = arrivals.trace;
  return () => {
    const kernel = new Kernel(1);
    const room = new EngineRoom(kernel);
    const engines: Engine[] = specs.map((spec) => room.start(spec, SILENT));
    const arrival: EventKind = kernel.kind('bench/arrival', Priority.arrival, (row) => {
      const engine = engines[row % engines.length]!;
      engine.submit(new Sequence({ request: row, promptTokens: promptTokens[row]!, outputTokens: outputTokens[row]! }));
      if (row + 1 < at.length) kernel.schedule(arrival, at[row + 1] as Micros, row + 1);
    });
    kernel.schedule(arrival, at[0] as Micros, 0);
    while (kernel.step());
    return at.length;
  };
}
