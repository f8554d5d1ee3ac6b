import { styleText } from 'node:util';
import { loadScenarioFile } from '../files/index.ts';
import { formatDuration, suggestion, UserError } from '../kernel/index.ts';
import { World } from '../lab/index.ts';
import type { Pod } from '../platform/index.ts';
import { ExitCode } from './exit.ts';
import type { ScenarioOptions } from './options.ts';
import { deedLines, eventLine, requestLines, type StoryLine, told } from './story.ts';

export interface ExplainOptions extends ScenarioOptions {
  readonly json?: boolean;
}

/**
 * `inferlab explain FILE [OBJECT]`: runs a scenario and tells what happened, in order: operations, faults, events,
 * streams that were cut. With a pod, a deployment or a service only what concerns it; with a pod also why it is where
 * it is, node by node.
 */
export function explain(file: string, object: string | undefined, options: ExplainOptions): ExitCode {
  const loaded = loadScenarioFile(file, { seed: options.seed, settings: options.set });
  const lines: StoryLine[] = [];
  const world = new World(loaded.description, { eventSink: (event) => lines.push(eventLine(event)) });
  world.run();
  lines.push(...deedLines(world), ...requestLines(world));
  const pod = world.platform.pods.find(({ name }) => name === object);
  const story = told(lines.filter((line) => concerns(line, object, world)));
  if (object !== undefined && story.length === 0 && pod === undefined) throw unknown(object, world);
  const verdicts = pod?.explanation ?? [];
  if (options.json === true) {
    process.stdout.write(
      `${JSON.stringify({ scenario: loaded.description.name, lines: story, placement: verdicts })}\n`,
    );
    return ExitCode.pass;
  }
  const colour = process.stdout.isTTY;
  const text = story.map((line) => lineText(line, colour));
  if (pod !== undefined) text.push('', ...placementText(pod));
  process.stdout.write(`${text.join('\n')}\n`);
  return ExitCode.pass;
}

function concerns({ about }: StoryLine, object: string | undefined, world: World): boolean {
  if (object === undefined || about.includes(object)) return true;
  // A pod's story has what befell its service and its node.
  const pod = world.platform.pods.find(({ name }) => name === object);
  const node = pod?.placement?.node.name;
  return (
    pod !== undefined && (about.includes(pod.deployment.service.name) || (node !== undefined && about.includes(node)))
  );
}

function unknown(object: string, world: World): UserError {
  const { platform, cluster } = world;
  const known = [
    ...platform.services.map(({ name }) => name),
    ...platform.pods.map(({ name }) => name),
    ...cluster.allNodes.map(({ name }) => name),
  ];
  return new UserError(`nothing is known of "${object}"${suggestion(object, known)}`);
}

const MARKS = { fault: 'red', operation: 'cyan', requests: 'magenta', normal: 'dim', alarm: 'yellow' } as const;

function lineText({ at, kind, who, what, times, until }: StoryLine, colour: boolean): string {
  const when = formatDuration(at).padStart(13);
  const last = until === undefined || until === at ? '' : `, until ${formatDuration(until)}`;
  const repeated = times > 1 ? ` (x${times}${last})` : '';
  const line = `${when}  ${who}  ${what}${repeated}`;
  return colour ? styleText(MARKS[kind], line) : line;
}

/** Why a pod is where it is: each node with what spoke against it, or its score. */
function placementText(pod: Pod): string[] {
  const width = Math.max(4, ...pod.explanation.map(({ node }) => node.length));
  const rows = pod.explanation.map(({ node, refused, score, chosen }) => {
    const figures = Object.entries(score ?? {}).map(([name, value]) => `${name} ${Number(value.toFixed(2))}`);
    const why = refused ?? figures.join(', ');
    return `  ${chosen > 0 ? '>' : ' '} ${node.padEnd(width)}  ${why}`;
  });
  const where = pod.placement === undefined ? 'has no node' : `is on ${pod.placement.node.name}`;
  return [`${pod.name} ${where}; the nodes as the scheduler last saw them:`, ...rows];
}
