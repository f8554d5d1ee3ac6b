import type { World } from '../lab/index.ts';
import { type Distribution, distribution } from '../telemetry/index.ts';

/** What the tasks of asynchronous services amount to, deleted ones included. */
export interface TaskFigures {
  readonly total: number;
  readonly succeeded: number;
  /** Lost with their containers, or not taken by them. */
  readonly failed: number;
  /** Ended by the request timeout. */
  readonly timedOut: number;
  /** Stopped, or deleted before they had ended. */
  readonly stopped: number;
  /** Not started, waiting or running. */
  readonly open: number;
  /** Creation to first start, in milliseconds. */
  readonly waitMs: Distribution;
  /** Creation to success, in milliseconds. */
  readonly completionMs: Distribution;
}

type Counted = 'succeeded' | 'failed' | 'timedOut' | 'stopped' | 'open';

/** @param includes whether the tasks of a service count, by its index */
export function taskFigures({ tasks }: World, includes: (service: number) => boolean): TaskFigures {
  const counts: Record<Counted, number> = { succeeded: 0, failed: 0, timedOut: 0, stopped: 0, open: 0 };
  const wait: number[] = [];
  const completion: number[] = [];
  let total = 0;
  for (const { service, state, outcome, createdAt, startedAt, endedAt } of tasks.all) {
    if (!includes(service.index)) continue;
    total++;
    counts[countedAs(outcome ?? state)]++;
    if (Number.isFinite(startedAt)) wait.push((startedAt - createdAt) / 1_000);
    if (outcome === 'succeeded') completion.push((endedAt - createdAt) / 1_000);
  }
  const waitMs = distribution(Float64Array.from(wait));
  return { total, ...counts, waitMs, completionMs: distribution(Float64Array.from(completion)) };
}

function countedAs(state: World['tasks']['all'][number]['state']): Counted {
  switch (state) {
    case 'succeeded':
      return 'succeeded';
    case 'failed':
    case 'created_failed':
    case 'start_failed':
    case 'upgrade_failed':
      return 'failed';
    case 'timeout':
      return 'timedOut';
    case 'stopped':
    case 'deleted':
      return 'stopped';
    default:
      return 'open';
  }
}
