/**
 * The engine: one serving process. Its waiting queue, continuous batch, paged KV cache and the time of its steps
 * live here. It knows nothing of services, pods or clients; what it has to tell goes to the listener handed in.
 */
export { Engine, type EngineFigures, type EngineListener, EngineRoom } from './engine.ts';
export { KvLink, KvLinkRoom, type KvLinkSpec } from './kv-link.ts';
export { type EndReason, type Leg, Sequence, type SequenceAsk, SequenceState } from './sequence.ts';
export type { EngineSpec, Speculation, StepTimeModel, StepWork } from './spec.ts';
export { kvBytesPerToken, RooflineModel, weightBytes } from './step-time/roofline.ts';
