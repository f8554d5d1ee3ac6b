import type { Micros } from '../kernel/index.ts';
import type { Service, UnitReplica } from '../platform/index.ts';
import { NO_ROW, type RequestLog } from '../telemetry/index.ts';
import { planTraffic } from './application-plan.ts';
import { type Call, gatewayRefusal, isRefusal, type Refusal } from './call.ts';
import { contextOf, type PlannedChoice, planChoices } from './choice-plan.ts';
import type { Caller, Gate } from './gate.ts';
import { OpenRequest, type RequestOver } from './open-request.ts';
import { Reply } from './reply.ts';
import { enginePriority, type RoutedRequest } from './routing/index.ts';
import type { Task } from './task.ts';
import { NEEDS_ANSWERING, type TaskCall } from './task-states.ts';

/** What minding tasks needs of the gateway. */
export interface TaskPorts {
  readonly gateOf: (service: Service) => Gate;
  /** No more calls are taken. */
  readonly draining: () => boolean;
  /** Where a task goes, of the replicas that take one more; undefined when none does. */
  readonly route: (
    service: Service,
    request: RoutedRequest,
    takes: (replica: UnitReplica) => boolean,
  ) => UnitReplica | undefined;
  /** The replica itself, if it takes such a request. */
  readonly fit: (replica: UnitReplica, choices: readonly PlannedChoice[], call?: Call) => UnitReplica | Refusal;
  /** Draws how long an answer of a service is. */
  readonly drawLength: (service: Service) => number;
  readonly begin: (request: OpenRequest, replica: UnitReplica) => void;
  /** Nobody waits for a request any more. */
  readonly disconnect: (request: number) => void;
}

/** What a task call is refused with. A creation is a call as any other and counts as one; reading changes nothing. */
export function refusalOfTask(
  { gateOf, draining }: TaskPorts,
  now: Micros,
  service: Service,
  what: TaskCall,
  caller: Caller,
): Refusal | undefined {
  if (NEEDS_ANSWERING[what] && draining()) return gatewayRefusal('noBackend');
  const gate = gateOf(service);
  return what === 'create' ? gate.refusal(now, caller) : gate.refusalOfOrder(now, caller, NEEDS_ANSWERING[what]);
}

/**
 * Has the work of a task done at a replica: one try, past the gate, whose answer comes whole.
 * @param over told of its end, once
 * @returns the request that it now is, or why the replica does not take it
 */
export function perform(
  ports: TaskPorts,
  log: RequestLog,
  now: Micros,
  { number: task, service, work }: Task,
  replica: UnitReplica,
  over: RequestOver,
): OpenRequest | Refusal {
  const { call, routed, promptTokens } = work;
  const choices =
    call === undefined
      ? planTraffic(replica, work.request, work.route)
      : planChoices(call, contextOf(replica), () => ports.drawLength(service), replica.unit);
  const target = ports.fit(replica, choices, call);
  if (isRefusal(target)) return target;
  const due = call?.pooling === true ? 0 : choices.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  const number = log.arrived(service.index, promptTokens, due, work.request?.row ?? NO_ROW);
  const model = target.unit.servedModelName;
  const reply = call && new Reply({ number: -1 - task, promptTokens, choices, arrivedAt: now, model });
  const priority = enginePriority(routed.sloClass, call?.priority);
  const facts = { number, service, arrivedAt: now, choices, routed, priority, call, reply, over };
  const request = new OpenRequest({ ...facts, watched: call !== undefined });
  ports.begin(request, target);
  return request;
}
