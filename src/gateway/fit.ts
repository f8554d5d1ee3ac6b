import type { UnitReplica } from '../platform/index.ts';
import { type Call, isRefusal, type Refusal } from './call.ts';
import { contextOf, type PlannedChoice } from './choice-plan.ts';
import type { Router } from './router.ts';

/** The backend itself, if it takes such a request; where nobody listens, nobody says no either. */
export function fit(
  target: UnitReplica | Refusal,
  choices: readonly PlannedChoice[],
  call?: Call,
): UnitReplica | Refusal {
  if (isRefusal(target) || !target.loaded) return target;
  const maxModelLen = contextOf(target);
  if (target.engine?.full) return { by: 'engine', error: 'overloaded', status: 503, maxModelLen };
  if (call?.invalid !== undefined) return { by: 'engine', error: 'invalid', status: call.invalid, maxModelLen };
  if (call?.model !== undefined && call.model !== target.unit.servedModelName) {
    return { by: 'engine', error: 'unknown-model', status: 404, maxModelLen };
  }
  for (const { promptTokens, outputTokens } of choices) {
    if (promptTokens + outputTokens > maxModelLen) {
      return { by: 'engine', error: 'context-length', status: 400, maxModelLen };
    }
  }
  return target;
}

/**
 * As {@link fit}, of what comes through the gateway: the 503 of a backend that is full is an error of its own as any
 * other 5xx, so to its circuit breaker a failed call. What a pod's own endpoint is asked, no breaker counts.
 */
export function fitThrough(
  router: Router,
  routedTo: UnitReplica | Refusal,
  choices: readonly PlannedChoice[],
  call?: Call,
): UnitReplica | Refusal {
  const target = fit(routedTo, choices, call);
  const direct = call !== undefined && 'slot' in call.to;
  if (direct || isRefusal(routedTo) || !isRefusal(target)) return target;
  if (target.error === 'overloaded') router.failed(routedTo);
  return target;
}
