import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COPIED_ONE_IN, MirrorTap } from '../../src/gateway/mirroring.ts';
import { WeightedChoice } from '../../src/gateway/weights.ts';
import { type CallMode, type CallProtocol, type MirroredDeployment, mirrorProblem } from '../../src/platform/index.ts';

describe('traffic mirroring', () => {
  test('guide 3595, 3643: of any ten live requests in a row exactly one is copied', () => {
    fc.assert(
      fc.property(fc.nat(200), (begin) => {
        const tap = new MirrorTap();
        for (let index = 0; index < begin; index++) tap.copies();
        const copied = Array.from({ length: COPIED_ONE_IN }, () => tap.copies()).filter(Boolean);
        expect(copied.length).toBe(1);
      }),
    );
  });

  test('guide 3643, 3644: a mirror gets no live request, and who gets them is the same as without it', () => {
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

  test.each<[string, CallProtocol, CallMode, readonly MirroredDeployment[], string | undefined]>([
    ['over HTTPS', 'HTTPS', 'synchronous', [live, mirror], undefined],
    ['over HTTP', 'HTTP', 'synchronous', [live, mirror], undefined],
    ['without a mirror', 'WSS', 'asynchronous', [live], undefined],
    ['over WSS', 'WSS', 'synchronous', [live, mirror], 'mirroring requires HTTP or HTTPS, not WSS (guide 3643)'],
    ['asynchronous', 'HTTPS', 'asynchronous', [live, mirror], 'asynchronous calls are not mirrored (guide 3614)'],
    ['alone', 'HTTPS', 'synchronous', [mirror], 'no deployment would get live requests (guide 3644)'],
  ])('guide 3614, 3643, 3644: %s', (_, protocol, mode, deployments, problem) => {
    const expected = problem === undefined ? undefined : `"next" cannot be a mirror: ${problem}`;
    expect(mirrorProblem(protocol, mode, deployments)).toBe(expected);
  });
});
