import { styleText } from 'node:util';
import { loadScenarioFile } from '../files/index.ts';
import { formatDuration, suggestion, UserError } from '../kernel/index.ts';
import { World } from '../lab/index.ts';
import type { Pod } from '../platform/index.ts';
import { ExitCode } from './exit.ts';
import type { ScenarioOptions } from './options.ts';
import { deedLines, eventLine, requestLines, type StoryLine, scalingLines, told } from './story.ts';

export interface ExplainOptions extends ScenarioOptions {
  readonly json?: boolean;
}

/**
 * `inferlab explain FILE [OBJECT]`: runs a scenario and tells what happened, in order: operations, faults, automatic
 * scaling, events, streams that were cut. With a pod, a deployment or a service only what concerns it; with a pod also why it is where
 * it is, node by node.
 */
export function explain(file: string, object: string | undefined, options: ExplainOptions): ExitCode {
  const loaded = loadScenarioFile(file, { seed: options.seed, settings: options.set });
  const events: StoryLine[] = [];
  const world = new World(loaded.description, { eventSink: (event) => events.push(eventLine(event)) });
  world.run();
  const lines = [...deedLines(world), ...scalingLines(world), ...events, ...requestLines(world)];
  const pod = world.platform.pods.find(({ name }) => name === object);
  const concerns = object === undefined ? () => true : concerning(object, lines, world);
  const story = told(lines.filter(concerns));
  const known = namesIn(world);
  if (object !== undefined && story.length === 0 && !known.includes(object)) {
    throw new UserError(`nothing is known of "${object}"${suggestion(object, known)}`);
  }
  const verdicts = pod?.explanation ?? [];
  if (options.json === true) {
    process.stdout.write(
      `${JSON.stringify({ scenario: loaded.description.name, lines: story, placement: verdicts })}\n`,
    );
    return ExitCode.pass;
  }
  const colour = process.stdout.isTTY;
  const text = story.map((line) => lineText(line, colour));
  if (text.length === 0) text.push(`nothing happened to ${object}`);
  if (pod !== undefined) text.push('', ...placementText(pod));
  process.stdout.write(`${text.join('\n')}\n`);
  return ExitCode.pass;
}

/** Which lines belong to the story of an object: of a pod also what befell its service and its node, of a node its pods'. */
function concerning(object: string, lines: readonly StoryLine[], world: World): (line: StoryLine) => boolean {
  const { platform, cluster } = world;
  if (cluster.allNodes.some(({ name }) => name === object)) {
    const names = (text: string): boolean => text.split(/[^\w-]+/).includes(object);
    const guests = new Set(
      platform.pods.filter(({ placement }) => placement?.node.name === object).map(({ name }) => name),
    );
    for (const { who, what } of lines) if (what.startsWith('Scheduled') && names(what)) guests.add(who);
    return ({ who, what, about }) => about.includes(object) || guests.has(who) || names(what);
  }
  const pod = platform.pods.find(({ name }) => name === object);
  const wanted = [object, pod?.deployment.service.name, pod?.placement?.node.name];
  return ({ about }) => about.some((name) => wanted.includes(name));
}

function namesIn({ platform, cluster }: World): string[] {
  return [...platform.services, ...platform.deployments, ...platform.pods, ...cluster.allNodes].map(({ name }) => name);
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
