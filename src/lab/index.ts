/**
 * The lab: one running world, composed of the rooms below. Commands in, queries out. It knows no socket, no file, no
 * fetch and no clock but the simulated one.
 */
export { type Command, mistakeIn, mistakeInFault } from './commands.ts';
export type { LabDescription, TimelineEntry } from './description.ts';
export type { FaultSpec } from './faults.ts';
export { Session } from './session.ts';
export { World, type WorldOptions } from './world.ts';
