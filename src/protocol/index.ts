/**
 * Protocol: wire formats, values <-> bytes. What an OpenAI client, vLLM, the platform's gateway and Prometheus put on
 * the wire, as plain functions from values to objects and text and back. Nothing here opens a socket, reads a clock,
 * draws chance or decides anything: which reply a request gets, and when, is settled elsewhere and handed in.
 */
export * from './errors.ts';
export * from './openai-request.ts';
export * from './openai-response.ts';
export * from './prefix-hashes.ts';
export * from './prometheus.ts';
export * from './reply-text.ts';
export * from './sse.ts';
export * from './tokens.ts';
export * from './vllm-metrics.ts';
