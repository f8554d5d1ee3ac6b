/**
 * Serving processes. The engine: its waiting queue, continuous batch, paged KV cache and the time of its steps; and the
 * server of an application that is no language model. They know nothing of services, pods or clients; what they have to
 * tell goes to the listener handed in.
 */
export { ApplicationServer } from './application-server.ts';
export type { ApplicationServerSpec, ApplicationTask, Latency } from './application-spec.ts';
export { Engine } from './engine.ts';
export { EngineRoom } from './engine-room.ts';
export { KvLink, KvLinkRoom, type KvLinkSpec } from './kv-link.ts';
export type { EngineFigures, EngineListener, StepFigures } from './listener.ts';
export { kvBytesKept, kvBytesPerToken, kvCopies, weightBytes } from './memory.ts';
export { type EndReason, type Leg, Sequence, type SequenceAsk, SequenceState } from './sequence.ts';
export type { ProcessSpec, ServingProcess } from './serving-process.ts';
export type { BatchingPolicy, EngineSpec, FrontEnd, Speculation, StepTimeModel, StepWork } from './spec.ts';
export { type AffineCoefficients, AffineModel, type AffineStepTime } from './step-time/affine.ts';
export { DistributionModel, type StepTimeDistribution } from './step-time/distribution.ts';
export { GraphBatches } from './step-time/graph-batches.ts';
export { ProfileModel, type ProfilePoint } from './step-time/profile.ts';
export { type Parallelism, RooflineModel } from './step-time/roofline.ts';
