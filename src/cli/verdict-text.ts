import { styleText } from 'node:util';
import { evidenceText } from '../catalog/index.ts';
import { formatDuration, fromSeconds } from '../kernel/index.ts';
import type { LoadFigures, Verdict } from '../scenario/index.ts';
import type { OutputOptions } from './options.ts';

/** Events shown; the JSON verdict has them all. */
const EVENTS_SHOWN = 12;
/** However narrow the terminal, so much of a message is shown. */
const LEAST_SHOWN = 40;

type Event = Verdict['eventLog'][number];

/** Prints a verdict to standard output: for scripts as JSON, for people as a page. */
export function printVerdict(verdict: Verdict, options: OutputOptions): void {
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify(verdict)}\n`
      : verdictText(verdict, process.stdout.isTTY, process.stdout.columns),
  );
}

/**
 * @param colour with the terminal's colours
 * @param columns of the terminal: messages are cut there; without one they are whole
 */
export function verdictText(verdict: Verdict, colour = false, columns = Number.POSITIVE_INFINITY): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    colour ? styleText(style, text) : text;
  const passed = verdict.verdict === 'pass';
  const lines = [
    `${paint('bold', verdict.scenario)}  seed ${verdict.seed}  ${paint(['bold', passed ? 'green' : 'red'], passed ? 'PASS' : 'FAIL')}`,
    '',
    ...loadLines(verdict),
    ...evidenceLines(verdict).map((line) => paint('dim', line)),
    '',
  ];
  if (verdict.expectations.length > 0) {
    lines.push(paint('bold', 'expectations'));
    const width = Math.max(...verdict.expectations.map(({ name }) => name.length));
    for (const { name, held, detail } of verdict.expectations) {
      lines.push(
        `  ${held ? paint('green', 'held') : paint('red', 'BROKEN')}  ${name.padEnd(width)}  ${paint('dim', detail)}`,
      );
    }
    lines.push('');
  }
  for (const name of verdict.trafficNeverBegun) {
    lines.push(`${paint('red', 'BROKEN')}  traffic "${name}" never began: its service never ran`, '');
  }
  if (verdict.requestsNeverEnded > 0) {
    const what = verdict.requestsNeverEnded === 1 ? '1 request' : `${count(verdict.requestsNeverEnded)} requests`;
    const why = 'their pods do not answer, no probe finds out, and the service has no requestTimeout';
    lines.push(`${paint('red', 'BROKEN')}  ${what} never ended: ${why}`, '');
  }
  if (verdict.timelineNotReached > 0 && verdict.live === undefined) {
    const left = verdict.timelineNotReached;
    const entries = left === 1 ? '1 entry' : `${left} entries`;
    lines.push(`${paint('yellow', 'NOTE')}  ${entries} of the timeline never came: the run was over before`, '');
  }
  lines.push(...eventLines(verdict, columns, paint));
  if (verdict.live !== undefined) lines.push(...liveLines(verdict.live, paint), '');
  const wall = `simulated ${formatDuration(fromSeconds(verdict.simulatedSeconds))} in ${verdict.wallSeconds.toFixed(2)} s`;
  lines.push(
    `trace ${verdict.traceHash}`,
    paint('dim', `      ${wall}${verdict.reproduce === null ? '' : `; again: ${verdict.reproduce}`}`),
    '',
  );
  return lines.join('\n');
}

/** Of asynchronous services. */
function taskLines({ tasks }: LoadFigures): string[] {
  if (tasks.total === 0) return [];
  const { total, succeeded, failed, timedOut, stopped, open, waitMs } = tasks;
  const counts = Object.entries({ total, succeeded, failed, 'timed out': timedOut, stopped, open });
  const parts = counts.filter(([name, value]) => value > 0 || name === 'succeeded');
  const wait = `waited ${millis(waitMs.p50)} ms (p50), ${millis(waitMs.p99)} ms (p99)`;
  return [`  tasks     ${parts.map(([name, value]) => `${count(value)} ${name}`).join(', ')}; ${wait}`];
}

function loadLines(figures: LoadFigures): string[] {
  const { requests, tokens } = figures;
  const parts = [
    `${count(requests.total)} total`,
    `${count(requests.completed)} completed`,
    `${count(requests.failed)} failed`,
  ];
  for (const outcome of ['refused', 'cut', 'errored', 'aborted', 'inFlight'] as const) {
    if (requests[outcome] > 0)
      parts.push(`${count(requests[outcome])} ${outcome === 'inFlight' ? 'in flight' : outcome}`);
  }
  const rows = [
    ['TTFT', figures.ttftMs],
    ['TPOT', figures.tpotMs],
    ['E2E', figures.e2eMs],
    ['queue', figures.queueMs],
  ] as const;
  const heading = ['mean', 'p50', 'p90', 'p99', 'max'].map((name) => name.padStart(11)).join('');
  return [
    `  requests  ${parts.join(', ')}`,
    ...taskLines(figures),
    `  tokens    ${count(tokens.prompt)} prompt, ${count(tokens.output)} output`,
    `  rate      ${figures.requestsPerSecond.toFixed(2)} requests/s, ${figures.outputTokensPerSecond.toFixed(1)} output tokens/s`,
    `  in use    accelerators ${percent(figures.acceleratorUtilization)}, KV cache ${percent(figures.kvUtilization)}; ${count(figures.preemptions)} preemptions`,
    '',
    `  ms        ${heading}`,
    ...rows.map(([name, { mean, p50, p90, p99, max }]) => {
      return `  ${name.padEnd(10)}${[mean, p50, p90, p99, max].map((value) => millis(value).padStart(11)).join('')}`;
    }),
  ];
}

/** How far the latencies are to be believed: a line for each kind of engine. */
function evidenceLines({ evidence }: Verdict): string[] {
  const lines = evidence.map((unit) => {
    const { model, devices, accelerator, engine, version, precision } = unit;
    const what = `${model} ${precision} on ${devices} x ${accelerator}, ${engine}${version === undefined ? '' : ` ${version}`}`;
    // Why it is no better than derived is worth a line: it says what would make it so.
    const why = unit.tier === 'derived' && unit.source !== undefined ? `: ${unit.source}` : '';
    return `  ${what}: step times ${evidenceText(unit)}${why}`;
  });
  return [...new Set(lines)];
}

/** What the operator would look at: the services' events, and the pods' alarms that these do not sum up. */
function eventLines(
  verdict: Verdict,
  columns: number,
  paint: (style: 'bold' | 'dim' | 'yellow', text: string) => string,
): string[] {
  const notable = alike(
    verdict.eventLog.filter(
      ({ level, type, reason }) => level === 'service' || (type !== 'Normal' && reason !== 'Unhealthy'),
    ),
  );
  if (notable.length === 0) return [];
  const shown = mostTelling(notable);
  const lines = shown.map(({ at, type, object, message, occurrences, others }) => {
    const who = others === 0 ? object : `${object} and ${others} more`;
    const times = occurrences > 1 ? ` (x${occurrences})` : '';
    const before = `  ${formatDuration(fromSeconds(at)).padStart(13)}  ${type.padEnd(9)}  ${who}  `;
    const room = Math.max(LEAST_SHOWN, columns - before.length - times.length);
    const text = message.length > room ? `${message.slice(0, room - 1)}…` : message;
    const kind = type === 'Normal' ? type.padEnd(9) : paint('yellow', type.padEnd(9));
    return `${before.replace(type.padEnd(9), kind)}${paint('dim', text + times)}`;
  });
  const more = notable.length - shown.length;
  if (more > 0) lines.push(paint('dim', `  and ${more} more; --json has them all`));
  return [paint('bold', 'events'), ...lines, ''];
}

/** Pods that say the same are one line. @returns how many others say it too */
function alike(events: readonly Event[]): (Event & { readonly others: number })[] {
  const groups = new Map<unknown, [Event, ...Event[]]>();
  for (const event of events) {
    const key = event.level === 'pod' ? `${event.reason} ${event.message}` : event;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [event]);
    else group.push(event);
  }
  return [...groups.values()].map((group) => {
    const [first] = group;
    const occurrences = group.reduce((sum, event) => sum + event.occurrences, 0);
    return { ...first, occurrences, others: new Set(group.map(({ object }) => object)).size - 1 };
  });
}

/** When there are too many, the services' latest, as they say how it ended, and the pods' first. In order. */
function mostTelling<Told extends Event>(events: readonly Told[]): readonly Told[] {
  const kept = events.filter(({ level }) => level === 'service').slice(-EVENTS_SHOWN);
  const pods = events.filter(({ level }) => level === 'pod').slice(0, EVENTS_SHOWN - kept.length);
  const shown = new Set([...kept, ...pods]);
  return events.filter((event) => shown.has(event));
}

function liveLines(
  live: NonNullable<Verdict['live']>,
  paint: (style: 'bold' | 'red', text: string) => string,
): string[] {
  const { lagMs, speed, lagBudgetMs, trusted } = live;
  const lag = `emission lag p50 ${millis(lagMs.p50)} ms, p99 ${millis(lagMs.p99)} ms, max ${millis(lagMs.max)} ms over ${count(lagMs.count)} deliveries`;
  const lines = [paint('bold', 'live'), `  speed ${speed}, ${lag}`];
  if (!trusted) {
    lines.push(
      paint(
        'red',
        `  NOT TRUSTWORTHY: p99 lag x speed is over the budget of ${lagBudgetMs} simulated ms; what clients measured is late`,
      ),
    );
  }
  return lines;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function millis(value: number | null): string {
  return value === null ? '-' : value.toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

function percent(share: number | null): string {
  return share === null ? '-' : `${(share * 100).toFixed(1)} %`;
}
