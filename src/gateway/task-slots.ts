import { assert } from '../kernel/index.ts';
import type { Instance, UnitReplica } from '../platform/index.ts';
import type { Task, TaskHolder } from './task.ts';

/**
 * Who holds which of the places that an instance has for tasks. A task holds its own from when it begins to run until it
 * is deleted, done or not (guide 3392); with its container the place is gone as well.
 */
export class TaskSlots {
  readonly #held = new Map<Instance, Set<Task>>();

  /** Whether a replica listens and its instance has room for one more. */
  takes({ loaded, engine, instance }: UnitReplica): boolean {
    return loaded && engine?.alive === true && this.held(instance) < limitOf(instance);
  }

  /** Tasks that an instance holds. */
  held(instance: Instance): number {
    const tasks = this.#held.get(instance);
    if (tasks === undefined) return 0;
    for (const task of tasks) if (!task.holder!.engine.alive) this.release(task);
    return tasks.size;
  }

  /** Where a task is held; undefined where it is not, or its container has ended. */
  holderOf(task: Task): TaskHolder | undefined {
    if (task.holder?.engine.alive === false) this.release(task);
    return task.holder;
  }

  take(task: Task, replica: UnitReplica): void {
    assert(this.takes(replica) && task.holder === undefined, () => `no room for task ${task.number}`);
    task.holder = { replica, engine: replica.engine! };
    const tasks = this.#held.get(replica.instance) ?? new Set();
    this.#held.set(replica.instance, tasks.add(task));
  }

  release(task: Task): void {
    if (task.holder === undefined) return;
    const { instance } = task.holder.replica;
    const tasks = this.#held.get(instance)!;
    tasks.delete(task);
    if (tasks.size === 0) this.#held.delete(instance);
    task.holder = undefined;
  }
}

function limitOf({ version }: Instance): number {
  return version.spec.maxConcurrentTasks ?? 0;
}
