import { fromMillis, micros } from '../kernel/index.ts';
import type { ApplicationReply, RouteSpec } from '../platform/index.ts';

/** The types of service that there are (guide 228), as scenarios write them. */
export const SERVICE_TYPES = [
  'text-generation',
  'image-understanding',
  'video-generation',
  'image-generation',
  'reranking',
  'vector',
  'embedding',
  'other',
] as const;
export type ServiceType = (typeof SERVICE_TYPES)[number];

/** A PNG of one pixel, base64. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const json = (value: unknown): ApplicationReply => ({ kind: 'json', value });

const CHAT = json({
  id: 'chatcmpl-{{request}}',
  object: 'chat.completion',
  model: 'application',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Answer {{request}}.' }, finish_reason: 'stop' }],
});
const IMAGE = json({ data: [{ b64_json: PIXEL }] });
const VIDEO = json({ id: 'video-{{request}}', object: 'video', status: 'completed', progress: 100 });
const RANKS = json({ id: 'rerank-{{request}}', results: [{ index: 0, relevance_score: 0.5 }] });
const VECTORS = json({
  object: 'list',
  model: 'application',
  data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.5, 0.5, -0.5] }],
});

/**
 * What a service of each type is asked by default, and an answer of the shape that its clients expect. The guide names
 * a path for text alone (1013); the others are those of OpenAI's API and of vLLM's, which the engines of such services
 * have: images and videos at both of the names in use. How long they take is ours: enough to be seen.
 */
const PATHS: Readonly<Record<ServiceType, readonly (readonly [path: string, reply: ApplicationReply, ms: number])[]>> =
  {
    'text-generation': [['/v1/chat/completions', CHAT, 500]],
    'image-understanding': [['/v1/chat/completions', CHAT, 800]],
    'video-generation': [
      ['/v1/videos', VIDEO, 30_000],
      ['/v1/video/generations', VIDEO, 30_000],
    ],
    'image-generation': [['/v1/images/generations', IMAGE, 3_000]],
    reranking: [
      ['/v1/rerank', RANKS, 50],
      ['/rerank', RANKS, 50],
    ],
    vector: [['/v1/embeddings', VECTORS, 30]],
    embedding: [['/v1/embeddings', VECTORS, 30]],
    other: [['/*', { kind: 'echo' }, 10]],
  };

/** The routes of a service of this type. */
export function presetRoutes(type: ServiceType): RouteSpec[] {
  return PATHS[type].map(([path, reply, ms]) => ({
    path,
    // Whatever an image of no known type is asked, and however.
    methods: type === 'other' ? ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] : ['POST'],
    status: 200,
    headers: {},
    task: { latency: { kind: 'fixed', micros: fromMillis(ms) }, every: micros(0) },
    reply,
  }));
}
