/**
 * Load: real HTTP traffic at any URL, measured as a client sees it. It is handed a `fetch` and a clock, so the same code
 * measures a server over sockets and a lab in simulated time. It knows nothing of the simulation behind an answer.
 */
export { EventStream, type StreamEvent } from './event-stream.ts';
export { fetchModels, type ListedModels } from './models.ts';
export {
  type CallFailure,
  type StreamedAnswer,
  type StreamedCall,
  streamedCall,
  tpotMs,
  type Wire,
} from './streamed-call.ts';
