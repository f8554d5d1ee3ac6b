import {
  type ApplicationAsk,
  type ApplicationUnitSpec,
  answerOf,
  isApplication,
  type UnitReplica,
} from '../platform/index.ts';
import type { TrafficRequest, TrafficSpec } from '../workload/index.ts';
import { type Call, isRefusal, type Refusal } from './call.ts';
import type { PlannedChoice } from './choice-plan.ts';

/** What a request of the scenario's own traffic comes to where it goes: a stream names a route, or means the first. */
export function planTraffic(
  target: UnitReplica | Refusal,
  { promptTokens, outputTokens, prefix }: TrafficRequest,
  route: TrafficSpec['route'],
): readonly PlannedChoice[] {
  if (isRefusal(target) || !isApplication(target.unit)) {
    return [{ promptTokens, outputTokens, finishReason: 'stop', prefix }];
  }
  return planAnswer(target.unit, askOf(target.unit, route));
}

/** Of a call, which says itself what it asks. One that asks for nothing of an application's is for no route of it. */
export function planCall({ application }: Call, unit: ApplicationUnitSpec): PlannedChoice[] {
  return planAnswer(unit, application ?? { method: 'POST', path: null });
}

/** What an application has for a request: one answer, whose pieces are its tokens. It has no prompt. */
function planAnswer({ application }: ApplicationUnitSpec, ask: ApplicationAsk): PlannedChoice[] {
  const answer = answerOf(application, ask);
  return [{ promptTokens: 0, outputTokens: answer.pieces, finishReason: 'stop', prefix: undefined, answer }];
}

function askOf({ application: { routes } }: ApplicationUnitSpec, route: TrafficSpec['route']): ApplicationAsk {
  const meant = route === undefined ? routes[0] : routes.find(({ path }) => path === route);
  if (meant === undefined) return { method: 'GET', path: route ?? null };
  const ask = { method: meant.methods[0]!, path: meant.path };
  return meant.reply.kind === 'websocket' ? { ...ask, socket: 'message' } : ask;
}
