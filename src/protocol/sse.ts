/** How vLLM labels a stream of server-sent events. */
export const SSE_CONTENT_TYPE_VLLM = 'text/event-stream; charset=utf-8';

/** How the platform's gateway labels one: without the space and in capitals (guide 2882). */
export const SSE_CONTENT_TYPE_GATEWAY = 'text/event-stream;charset=UTF-8';

/** The event that ends a stream. */
export const SSE_DONE = 'data: [DONE]\n\n';

/** One event. JSON escapes every line end, so the data is one line; the space is there for readers that ask for it. */
export function sseData(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** One named event, as Anthropic's messages and OpenAI's responses are streamed: the name is the data's `type`. */
export function sseEvent<Event extends { readonly type: string }>(event: Event): string {
  return `event: ${event.type}\n${sseData(event)}`;
}

/** What events begin with that all have the same first fields. @param first at least one field */
export function sseStart(first: object): string {
  return `data: ${JSON.stringify(first).slice(0, -1)},`;
}

/** What follows a common beginning. @param rest at least one field */
export function sseRest(rest: object): string {
  return `${JSON.stringify(rest).slice(1)}\n\n`;
}

/** Writes events that all begin with the same fields, which are put into JSON once. @param first at least one field */
export function sseDataAfter(first: object): (rest: object) => string {
  const start = sseStart(first);
  return (rest) => start + sseRest(rest);
}
