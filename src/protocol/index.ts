/**
 * Protocol: wire formats, values <-> bytes. What an OpenAI or Anthropic client, vLLM, the platform's gateway and
 * Prometheus put on the wire, as plain functions from values to objects and text and back. Nothing here opens a socket,
 * reads a clock, draws chance or decides anything: which reply a request gets, and when, is settled elsewhere and handed
 * in, and so is the chance that a reply's content is made of.
 */
export * from './answer.ts';
export * from './answer-context.ts';
export * from './answer-dialects.ts';
export * from './anthropic-messages.ts';
export * from './chat-request.ts';
export * from './completion-request.ts';
export * from './embeddings.ts';
export * from './error-dialects.ts';
export * from './errors.ts';
export * from './iam.ts';
export type { ChatMessage } from './message-content.ts';
export * from './metric-dialects.ts';
export * from './openai-response.ts';
export * from './prefix-hashes.ts';
export * from './prometheus.ts';
export type { Prompt } from './prompts.ts';
export * from './reply-text.ts';
export * from './rerank.ts';
export * from './responses-request.ts';
export type { SamplingRequest } from './sampling-request.ts';
export * from './server-info.ts';
export * from './sse.ts';
export type { JsonSchema, Structure } from './structured-output.ts';
export * from './task-answers.ts';
export * from './tokenize.ts';
export * from './tokens.ts';
export type { Tool, ToolUse } from './tool-request.ts';
export * from './vllm-metrics.ts';
