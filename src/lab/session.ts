import type { Call, Question, Refusal, Reply, TaskAnswer } from '../gateway/index.ts';
import type { Micros, Stamped } from '../kernel/index.ts';
import type { Command } from './commands.ts';
import type { TaskCommand } from './task-commands.ts';
import type { World } from './world.ts';

/**
 * The one door by which anything enters a running world: stamps a command with the simulated moment, hands it to
 * the journal, then to the world. Stamps never go back.
 */
export class Session {
  readonly world: World;
  readonly #now: () => Micros;
  readonly #journal: (entry: Stamped<Command>) => void;

  /**
   * @param now the simulated moment by the clock that drives the world
   * @param journal takes each command as it enters
   */
  constructor(world: World, now: () => Micros, journal: (entry: Stamped<Command>) => void) {
    this.world = world;
    this.#now = now;
    this.#journal = journal;
  }

  /** The simulated moment by the driving clock; the world may be a little behind. */
  get now(): Micros {
    return Math.max(this.#now(), this.world.now) as Micros;
  }

  /** @param make the call, given the number that its request is going to have: what its answer says depends on it */
  call(make: (request: number) => Call): Reply {
    const at = this.now;
    this.world.runUntil(at);
    const reply = this.#enter(at, { kind: 'call', call: make(this.world.requests.size) });
    if (reply === undefined) throw new Error('A call has no reply');
    return reply;
  }

  /** @returns why it was refused; undefined when it was let in */
  ask(question: Question): Refusal | undefined {
    this.command({ kind: 'question', question });
    return this.world.gateway.questionRefusal;
  }

  /**
   * @param make the command, given the number of the next task that there is going to be
   * @returns what came of it
   */
  task(make: (next: number) => TaskCommand): TaskAnswer {
    const at = this.now;
    this.world.runUntil(at);
    this.#enter(at, make(this.world.tasks.all.length));
    return this.world.taskAnswer!;
  }

  command(command: Command): void {
    this.#enter(this.now, command);
  }

  #enter(at: Micros, command: Command): Reply | undefined {
    this.#journal({ at, command });
    return this.world.apply(at, command);
  }
}
