/**
 * The lab: one running world, composed of the rooms below. Commands in, queries out. It knows no socket, no file, no
 * fetch and no clock but the simulated one.
 */
export { type Command, mistakeIn } from './commands.ts';
export type { LabDescription, TimelineEntry } from './description.ts';
export { mistakeInFault } from './fault-checks.ts';
export type { FaultKind, FaultSpec, NodeTarget } from './fault-spec.ts';
export type { FaultRecord } from './faults.ts';
export { Session } from './session.ts';
export type { TaskCommand } from './task-commands.ts';
export { type OperationRecord, World, type WorldOptions } from './world.ts';
