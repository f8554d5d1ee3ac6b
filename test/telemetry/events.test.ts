import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromSeconds, Kernel, type Micros, micros } from '../../src/kernel/index.ts';
import { EventLog } from '../../src/telemetry/index.ts';

const happening = fc.record({
  gap: fc.nat(5),
  object: fc.constantFrom('a', 'b'),
  reason: fc.constantFrom('Unhealthy' as const, 'Killing' as const),
  detail: fc.constantFrom('', 'again'),
});

describe('the event log', () => {
  test('counts repeats of one text on one object: occurrences add up, from the first to the last', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
        const kernel = new Kernel(1);
        const log = new EventLog(kernel);
        const times = new Map<string, number[]>();
        for (const { gap, object, reason, detail } of happenings) {
          kernel.runUntil(micros(kernel.now + gap));
          log.pod(object, reason, detail);
          const key = `${object} ${reason} ${detail}`;
          times.set(key, [...(times.get(key) ?? []), kernel.now]);
        }
        expect(
          log.all().map(({ object, firstAt, lastAt, occurrences }) => ({ object, firstAt, lastAt, occurrences })),
        ).toEqual(
          [...times].map(([key, at]) => ({
            object: key[0],
            firstAt: at[0],
            lastAt: at.at(-1),
            occurrences: at.length,
          })),
        );
        expect(kernel.trace.records).toBe(happenings.length);
      }),
    );
  });

  test('fills the text in, and leaves no gap where there is nothing to say', () => {
    const log = new EventLog(new Kernel(1));
    log.service('chat', 'statusChanged', 'DEPLOYING', 'RUNNING');
    log.pod('chat-0', 'Pulled');
    expect(log.all()).toMatchObject([
      { level: 'service', type: 'Normal', message: 'Service status change from DEPLOYING to RUNNING.', occurrences: 1 },
      { level: 'pod', type: 'Normal', reason: 'Pulled', message: 'The image is pulled.' },
    ]);
  });

  test('shows service events for a month, and pod events for an hour or, ingested, for seven days', () => {
    const HOUR = fromSeconds(3_600);
    const DAY = 24 * HOUR;
    const kernel = new Kernel(1);
    const log = new EventLog(kernel);
    log.service('chat', 'statusChanged', 'DEPLOYING', 'RUNNING');
    log.pod('kept-0', 'Started');
    log.pod('chat-0', 'Started');
    const shown = (now: number) =>
      log.visible(now as Micros, { podEventsIngested: (pod) => pod.startsWith('kept') }).map(({ object }) => object);
    expect(shown(HOUR)).toEqual(['chat', 'kept-0', 'chat-0']);
    expect(shown(HOUR + 1)).toEqual(['chat', 'kept-0']);
    expect(shown(7 * DAY + 1)).toEqual(['chat']);
    expect(shown(30 * DAY + 1)).toEqual([]);
    expect(log.visible((HOUR + 1) as Micros).map(({ object }) => object)).toEqual(['chat']);
    expect(log.all()).toHaveLength(3);
  });

  test('an event that happens again is shown from its last occurrence on', () => {
    const kernel = new Kernel(1);
    const log = new EventLog(kernel);
    log.pod('chat-0', 'Unhealthy');
    kernel.runUntil(fromSeconds(3_000));
    log.pod('chat-0', 'Unhealthy');
    expect(log.visible(fromSeconds(6_600))).toMatchObject([{ firstAt: 0, occurrences: 2 }]);
    expect(log.visible(fromSeconds(6_601))).toEqual([]);
  });
});
