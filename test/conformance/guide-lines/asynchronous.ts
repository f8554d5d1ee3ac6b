import type { GuideRule } from './rule.ts';

/** Asynchronous calls: tasks. Their names and quotas are settings of the service (231, 232). */
export const ASYNCHRONOUS: readonly GuideRule[] = [
  { line: 3392, rule: 'a deployment of an asynchronous service says how many tasks a replica has, 1 to 100' },
  { line: 3392, rule: 'a task occupies its replica until it is deleted' },
  { line: 3411, rule: 'POST creates a task' },
  { line: 3412, rule: 'DELETE deletes a task' },
  { line: 3415, rule: 'GET lists the tasks of a service' },
  { line: 3416, rule: 'PUT changes a task' },
  { line: 3417, rule: 'GET shows a task' },
  { line: 3418, rule: 'POST starts a task that was created or stopped' },
  { line: 3419, rule: 'POST stops a task' },
  { line: 3425, rule: 'the list of tasks takes limit, offset and status' },
  { line: 3437, rule: 'the state of a service decides which task calls it takes' },
];
