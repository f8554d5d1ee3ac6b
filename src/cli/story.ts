import { formatDuration, fromSeconds, type Micros } from '../kernel/index.ts';
import type { FaultSpec, World } from '../lab/index.ts';
import type { Operation } from '../platform/index.ts';
import { isErrorAnswer, Outcome, type PlatformEvent } from '../telemetry/index.ts';

/** One thing that happened. */
export interface StoryLine {
  readonly at: Micros;
  readonly kind: 'fault' | 'operation' | 'requests' | 'normal' | 'alarm';
  readonly who: string;
  readonly what: string;
  /** How often, and when it happened last. */
  readonly times: number;
  readonly until?: Micros;
  /** Names of all that it concerns. */
  readonly about: readonly string[];
}

/** What is lost within so long of what was lost before belongs together. */
const ONE_LOSS = fromSeconds(30);

/**
 * Lines in order of time, those of one moment as they are given: causes go first. What an object says again and again,
 * with nothing else between, is one line; deeds are not, and neither is what was lost on different occasions.
 */
export function told(lines: readonly StoryLine[]): StoryLine[] {
  const story: StoryLine[] = [];
  const lastOf = new Map<string, number>();
  for (const line of lines.toSorted((one, other) => one.at - other.at)) {
    const index = lastOf.get(line.who);
    const last = index === undefined ? undefined : story[index];
    if (last?.what === line.what && goesOn(last, line)) {
      story[index!] = { ...last, times: last.times + line.times, until: line.at };
    } else lastOf.set(line.who, story.push(line) - 1);
  }
  return story;
}

function goesOn(last: StoryLine, line: StoryLine): boolean {
  if (line.kind === 'operation' || line.kind === 'fault') return false;
  return line.kind !== 'requests' || line.at - (last.until ?? last.at) <= ONE_LOSS;
}

/** An event, as it happens. */
export function eventLine({ lastAt: at, type, object, reason, message, level }: Readonly<PlatformEvent>): StoryLine {
  const kind = type === 'Normal' ? 'normal' : 'alarm';
  const what = level === 'pod' ? `${reason}: ${message}` : message;
  // Events name other objects in brackets.
  const named = [...message.matchAll(/\[([^\]]+)\]/g)].map(([, name]) => name!);
  return { at, kind, who: object, what, times: 1, about: [object, ...named] };
}

/** Faults as they began and ended, and what operators have asked for. */
export function deedLines(world: World): StoryLine[] {
  const faults = world.faults.history.flatMap(({ at, fault, struck, until }): StoryLine[] => {
    const about = [...namesOf(fault), ...(struck === undefined ? [] : [struck])];
    const what = `${fault.kind}${targetOf(fault, struck)}`;
    const line = (moment: Micros, text: string): StoryLine => {
      return { at: moment, kind: 'fault', who: 'fault', what: text, times: 1, about };
    };
    const ended = until !== undefined && until > at ? [line(until, `${what} is over`)] : [];
    const lasting = 'lasting' in fault && fault.lasting !== undefined ? ` for ${formatDuration(fault.lasting)}` : '';
    return [line(at, `${what}${lasting}`), ...ended];
  });
  const operations = world.operations.map(({ at, operation, refusal }): StoryLine => {
    const refused = refusal === undefined ? '' : ` is refused: ${refusal}`;
    const what = `${operation.kind}${targetOf(operation)}${refused}`;
    return { at, kind: 'operation', who: 'operator', what, times: 1, about: namesOf(operation) };
  });
  return [...faults, ...operations];
}

/** What automatic scaling did by which rule, and how it ended. */
export function scalingLines(world: World): StoryLine[] {
  return world.platform.scaling.history.map(
    ({ at, service, deployment, rule, from, target, final, status, message }) => {
      const what = `rule "${rule}" scales ${deployment} from ${from} to ${target} instances`;
      const ended = status === 'FAILED' ? ` and fails: ${message}; ${final} are wanted now` : '';
      const kind = status === 'FAILED' ? 'alarm' : 'operation';
      return { at, kind, who: service, what: `${what}${ended}`, times: 1, about: [service, deployment] };
    },
  );
}

/** Requests that were cut, refused or answered with an error, by moment and replica, and those that never ended. */
export function requestLines(world: World): StoryLine[] {
  const lines = new Map<string, StoryLine>();
  const hanging = world.neverEnded > 0;
  for (const record of world.requests.records()) {
    const { outcome, endedAt, engine, service, status } = record;
    const stays = outcome === Outcome.inFlight && hanging;
    const isError = isErrorAnswer(record);
    if (!stays && !isError && outcome !== Outcome.cut && outcome !== Outcome.refused) continue;
    const { name } = world.platform.services[service]!;
    const who = (engine >= 0 ? world.owners[engine]?.slot : undefined) ?? name;
    const what = stays ? 'requests never end' : lossOf(outcome, status);
    // Refusals and errors go on while something is amiss: they are told by the second.
    const moment = isError || outcome === Outcome.refused ? Math.floor(endedAt / 1e6) : endedAt;
    const key = `${moment} ${who} ${what}`;
    const known = lines.get(key);
    const { at, times } = known ?? { at: stays ? world.now : endedAt, times: 0 };
    lines.set(key, { at, kind: 'requests', who, what, times: times + 1, about: [name, who] });
  }
  return [...lines.values()];
}

/** What a client saw of a request that was lost: a stream that broke off, or a status. */
function lossOf(outcome: Outcome, status: number): string {
  if (outcome === Outcome.refused) return `requests are refused with ${status}`;
  return status < 400 ? 'streams are cut' : `requests fail with ${status}`;
}

type Deed = Readonly<Record<string, unknown>>;

/** What a deed is aimed at, and what more there is to say of it. */
const TARGETS = ['node', 'service', 'deployment', 'instance', 'unit', 'replica', 'pod', 'name'];
const DETAILS = [
  'pool',
  'chip',
  'rack',
  'storage',
  'image',
  'secret',
  'plugin',
  'state',
  'key',
  'scope',
  'connection',
  'effect',
  'factor',
  'status',
  'instances',
  'version',
  'weight',
];

function targetOf(given: FaultSpec | Operation, struck?: string): string {
  const deed = given as unknown as Deed;
  const told = (field: string): boolean => ['string', 'number'].includes(typeof deed[field]);
  const path =
    struck ??
    TARGETS.filter((field) => told(field))
      .map((field) => deed[field])
      .join('/');
  const details = DETAILS.filter((field) => told(field) && deed[field] !== path).map(
    (field) => `${field} ${deed[field]}`,
  );
  return [path === '' ? '' : ` ${path}`, ...details].join(', ').replace(/^, /, ' ');
}

function namesOf(given: FaultSpec | Operation): string[] {
  const deed = given as unknown as Deed;
  return ['node', 'service', 'deployment', 'pool']
    .map((field) => deed[field])
    .filter((name) => typeof name === 'string');
}
