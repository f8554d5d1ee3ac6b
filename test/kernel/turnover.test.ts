import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Turnover } from '../../src/kernel/index.ts';

test('what comes and goes by number is there as in a Map, and in the order in which it came', () => {
  const act = fc.record({ number: fc.nat(20), comes: fc.boolean() });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const things = new Turnover<{ readonly number: number }>();
      const model = new Map<number, { readonly number: number }>();
      for (const { number, comes } of acts) {
        if (comes && !model.has(number)) {
          things.add(number, { number });
          model.set(number, { number });
        } else {
          expect(things.delete(number)).toBe(model.delete(number));
        }
        expect(things.size).toBe(model.size);
        expect(things.get(number)).toEqual(model.get(number));
        expect(things.values()).toEqual([...model.values()]);
      }
      things.clear();
      expect([things.size, things.values()]).toEqual([0, []]);
    }),
  );
});
