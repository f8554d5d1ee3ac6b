import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { COPIED_ONE_IN, MirrorTap } from '../../src/gateway/mirroring.ts';
import { WeightedChoice } from '../../src/gateway/weights.ts';
import { type MirroredDeployment, mirrorProblem } from '../../src/platform/index.ts';
import { guideRule } from '../support/guide-rule.ts';

describe('traffic mirroring', () => {
  guideRule(3595, 'of any ten live requests in a row a mirror gets a copy of exactly one', () => {
    fc.assert(
      fc.property(fc.nat(200), (begin) => {
        const tap = new MirrorTap();
        for (let index = 0; index < begin; index++) tap.copies();
        const copied = Array.from({ length: COPIED_ONE_IN }, () => tap.copies()).filter(Boolean);
        expect(copied.length).toBe(1);
      }),
    );
  });

  guideRule(3643, 'a mirror gets no live request, and who gets them is the same as without it', () => {
    const one = fc.record({ weight: fc.nat(5), backends: fc.constantFrom<readonly unknown[]>([], ['up'], ['up']) });
    const mirrors = fc.array(fc.record({ at: fc.nat(4), weight: fc.nat(100) }), { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 4 }), mirrors, fc.nat(60), (live, mirrored, count) => {
        const all: (typeof live)[number][] = [...live];
        for (const { at, weight } of mirrored) {
          all.splice(at, 0, { weight, backends: ['up'], ...{ mirror: true } });
        }
        const [withMirrors, without] = [new WeightedChoice(), new WeightedChoice()];
        for (let index = 0; index < count; index++) expect(withMirrors.choose(all)).toBe(without.choose(live));
      }),
    );
  });

  const live: MirroredDeployment = { name: 'main' };
  const mirror: MirroredDeployment = { name: 'next', mirror: true };

  guideRule(3643, 'mirroring requires HTTP or HTTPS', () => {
    for (const protocol of ['HTTPS', 'HTTP'] as const) {
      expect(mirrorProblem(protocol, 'synchronous', [live, mirror])).toBeUndefined();
    }
    for (const protocol of ['WSS', 'WS'] as const) {
      const problem = `"next" cannot be a mirror: mirroring requires HTTP or HTTPS, not ${protocol} (guide 3643)`;
      expect(mirrorProblem(protocol, 'synchronous', [live, mirror])).toBe(problem);
      expect(mirrorProblem(protocol, 'asynchronous', [live])).toBeUndefined();
    }
  });

  guideRule(3614, 'asynchronous calls are not mirrored', () => {
    const problem = '"next" cannot be a mirror: asynchronous calls are not mirrored (guide 3614)';
    expect(mirrorProblem('HTTPS', 'asynchronous', [live, mirror])).toBe(problem);
  });

  guideRule(3644, 'a service keeps at least one deployment that gets live requests', () => {
    const problem = '"next" cannot be a mirror: no deployment would get live requests (guide 3644)';
    expect(mirrorProblem('HTTPS', 'synchronous', [mirror])).toBe(problem);
    expect(mirrorProblem('HTTPS', 'synchronous', [mirror, mirror])).toBe(problem);
  });
});
