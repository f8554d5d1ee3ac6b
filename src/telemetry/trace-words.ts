import type { TraceWord } from '../kernel/index.ts';

/** What the trace says of requests. A code is part of every trace hash: it never changes and is never reused. */
export const WORD = {
  arrived: { code: 1, name: 'request-arrived' },
  admitted: { code: 2, name: 'request-admitted' },
  firstToken: { code: 3, name: 'request-first-token' },
  preempted: { code: 4, name: 'request-preempted' },
  ended: { code: 5, name: 'request-ended' },
} as const satisfies Record<string, TraceWord>;
