import { ratioToPeer } from '../measure/live-peer.ts';
import { replyRates, streamRates } from '../measure/live-throughput.ts';
import { pacingP99Ms } from '../measure/pacing.ts';
import { median } from '../support/median.ts';
import { only, type PromiseRow } from '../support/promise-row.ts';

const PACING =
  'p99 of |ITL - 20 ms| over sockets, client in a process of its own: chat streams on 8 engines whose steps take 20 ms';
const THROUGHPUT = '`serve --speed 100` with 8 engines, 128 kept-alive connections, client in a process of its own';

/** The live server's pace and throughput. Server and client share the machine; what the client took is told beside. */
export const LIVE_PROMISES: readonly PromiseRow[] = [
  {
    name: 'live-pacing-200-streams-ms',
    measures: `${PACING}, 200 at once`,
    target: ['<=', 5],
    unit: 'ms',
    quick: false,
    command: only('live-pacing-200-streams-ms'),
    measure: () => pacingP99Ms(200),
  },
  {
    name: 'live-pacing-1000-streams-ms',
    measures: `${PACING}, 1,000 at once`,
    target: ['<=', 30],
    unit: 'ms',
    quick: false,
    command: only('live-pacing-1000-streams-ms'),
    measure: () => pacingP99Ms(1_000),
  },
  {
    name: 'live-replies-per-second',
    measures: `whole answers of 12 tokens, ${THROUGHPUT}; median of several seconds`,
    target: ['>', 12_000],
    unit: 'replies/s',
    quick: false,
    command: 'npm run bench -- --only live-replies',
    measure: async () => median(await replyRates()),
  },
  {
    name: 'live-streams-per-second',
    measures: `streamed answers of 12 tokens, every token an event, ${THROUGHPUT}; median of several seconds`,
    target: ['>', 6_000],
    unit: 'streams/s',
    quick: false,
    command: 'npm run bench -- --only live-streams',
    measure: async () => median(await streamRates()),
  },
  {
    name: 'live-replies-to-aimock',
    measures: `whole answers a second over those of aimock, a mock without an engine, measured in turn: ${THROUGHPUT}`,
    target: ['>=', 1],
    unit: 'of its rate',
    quick: false,
    command: only('live-replies-to-aimock'),
    measure: () => ratioToPeer(false),
  },
  {
    name: 'live-streams-to-aimock',
    measures: `the same of streamed answers: ${THROUGHPUT}`,
    target: ['>=', 1],
    unit: 'of its rate',
    quick: false,
    command: only('live-streams-to-aimock'),
    measure: () => ratioToPeer(true),
  },
];
