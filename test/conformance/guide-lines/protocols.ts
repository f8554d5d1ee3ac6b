import type { GuideRule } from './rule.ts';

/** What a service is called over, and how it answers. */
export const PROTOCOLS: readonly GuideRule[] = [
  {
    line: 2754,
    aliases: [192, 2758, 2760, 2761, 2847],
    rule: 'a WebSocket stays open, and messages go both ways over it',
  },
  { line: 2756, aliases: [2781, 2803], rule: 'over WSS the server proves who it is, and clients need no certificate' },
  { line: 2766, rule: 'a WebSocket is opened to services of WS and WSS only' },
  { line: 2771, aliases: [3383], rule: 'asynchronous services are called over HTTP and HTTPS only' },
  { line: 2772, rule: 'an answer of more than 64 KB is split into frames, each below 64 KB' },
  { line: 2774, rule: 'a message beyond the size limit is blocked' },
  { line: 2775, rule: 'data in either direction begins the timeout of a connection anew' },
  { line: 2831, rule: 'a handshake without a good credential is answered with 401' },
  { line: 2859, aliases: [193, 2861, 2867], rule: 'events are pushed over one response, each when it happens' },
  { line: 2865, rule: 'server-sent events are plain HTTP: a client needs no library for them' },
  { line: 2874, rule: 'server-sent events come from services of HTTP and HTTPS' },
  { line: 2908, rule: 'an image may have paths of its own, such as /v1/sse' },
  { line: 2912, rule: 'an event stream is text/event-stream;charset=UTF-8' },
  { line: 2956, rule: 'HTTPS encrypts what HTTP sends in plain text' },
  { line: 2960, rule: 'each HTTP request is by itself: no state is kept between them' },
  { line: 2966, rule: 'a service answers over the protocol that it is set to, and over no other' },
];
