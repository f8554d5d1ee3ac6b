import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MachineHash } from '../../src/files/index.ts';
import { type Micros, Trace } from '../../src/kernel/index.ts';

const AT = 0 as Micros;
const WORD = { code: 1, name: 'word' };

test('the machine and the kernel hash a trace alike, whenever they are asked', () => {
  const record = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.maxSafeInteger());
  fc.assert(
    fc.property(fc.array(record, { maxLength: 2_000, size: 'max' }), fc.nat(), (records, asked) => {
      const digests = [new Trace(), new Trace(undefined, new MachineHash())].map((trace) => {
        const seen: string[] = [];
        for (const [index, each] of records.entries()) {
          if (typeof each === 'string') trace.tell(AT, each);
          else trace.note(AT, WORD, each);
          if (index === asked % records.length) seen.push(trace.digest());
        }
        return [...seen, trace.digest()];
      });
      expect(digests[0]).toEqual(digests[1]);
    }),
    { numRuns: 30 },
  );
});
