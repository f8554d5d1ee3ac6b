import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { accelerator, model, type StepTimeScalars, stepTimeFit } from '../../src/catalog/index.ts';
import { mapFit } from '../../src/fidelity/calibrate/map-fit.ts';
import { type Load, type MeasuredPoint, meanOf } from '../../src/fidelity/calibrate/points.ts';
import { replayer } from '../../src/fidelity/calibrate/replay.ts';
import { calibrationSetup } from '../../src/fidelity/calibrate/setup.ts';
import { type CalibrationAsk, calibrate } from '../../src/fidelity/index.ts';
import { engine } from '../../src/scenario/schema-engine.ts';

const ASK: CalibrationAsk = {
  accelerator: accelerator('h100'),
  model: model('llama-3.1-8b'),
  engine: 'vllm',
  precision: 'bf16',
  parallel: 1,
};
const PRIOR = stepTimeFit({ ...ASK }).scalars;

/** An engine unlike the catalogue's: twice the host's time, slower kernels, a slow front end. */
const TRUTH: StepTimeScalars = {
  ...PRIOR,
  stepMicros: 2 * PRIOR.stepMicros,
  layerMicros: 2 * PRIOR.layerMicros,
  sequenceMicros: 1.6 * PRIOR.sequenceMicros,
  weights: 0.88 * PRIOR.weights,
  compute: 0.8 * PRIOR.compute,
  attention: 0.8 * PRIOR.attention,
  frontEndMillis: 35,
};

function point(load: Load, prompt: number, output: number): MeasuredPoint {
  return {
    file: 'made-up.csv',
    load,
    requests: undefined,
    prompt: { kind: 'mean', mean: prompt, deviation: 0 },
    output: { kind: 'mean', mean: output, deviation: 0 },
    measured: {},
    notes: [],
  };
}

/** What an engine of these scalars measures. */
function measure(points: readonly MeasuredPoint[], scalars: StepTimeScalars, ask = ASK): MeasuredPoint[] {
  const predict = replayer(calibrationSetup(ask, points), points);
  return points.map((one, index) => ({ ...one, measured: predict(index, scalars) }));
}

const closed = (clients: number): Load => ({ kind: 'closed', clients });
const SEEN = [
  point(closed(1), 512, 64),
  point(closed(4), 1_024, 64),
  point(closed(16), 1_024, 128),
  point(closed(32), 4_096, 64),
  point(closed(64), 512, 128),
  point({ kind: 'open', rate: 4, arrivals: 'poisson' }, 1_024, 128),
];
const UNSEEN = [
  point(closed(8), 2_048, 128),
  point(closed(48), 1_024, 96),
  point({ kind: 'open', rate: 8, arrivals: 'constant' }, 512, 64),
];

describe('calibrate', () => {
  test('recovers an engine from what it measured: points that the fit has not seen are predicted', () => {
    const calibration = calibrate(ASK, measure(SEEN, TRUTH));
    const predict = replayer(calibrationSetup(ASK, UNSEEN), UNSEEN);
    for (const [index, { measured }] of measure(UNSEEN, TRUTH).entries()) {
      const predicted = predict(index, calibration.scalars);
      expect(Math.abs(predicted.tpot / measured.tpot! - 1)).toBeLessThan(0.03);
      expect(Math.abs(predicted.ttft / measured.ttft! - 1)).toBeLessThan(0.1);
    }
    expect(calibration.errors.before.tpot!.mape).toBeGreaterThan(12);
    expect(calibration.errors.after.tpot!.mape).toBeLessThan(1.5);
    expect(calibration.errors.leftOut!.tpot!.mape).toBeLessThan(5);
    expect(calibration.errors.leftOut!.tpot!.mape).toBeGreaterThan(calibration.errors.after.tpot!.mape);
    expect(calibration.freed.length).toBeLessThanOrEqual(6);
    expect(calibration.evidence).toMatchObject({ tier: 'fitted', n: 6, mape: calibration.errors.leftOut!.tpot!.mape });
  });

  test('frees no more than so few points can tell: of one the overheads, and says that nothing was held out', () => {
    const [one] = SEEN;
    const calibration = calibrate(ASK, measure([one!], TRUTH));
    expect(calibration.freed.map(({ name }) => name)).toEqual(['host overhead', 'front end']);
    expect(calibration.errors.leftOut).toBeUndefined();
    expect(calibration.errors.after.tpot!.mape).toBeLessThan(2);
    expect(calibration.notes.join()).toContain('fewer than 3 points');
    const two = calibrate(ASK, measure(SEEN.slice(0, 2), TRUTH));
    expect(two.freed.length).toBeLessThanOrEqual(3);
  });

  test('what measures as the catalogue says stays as the catalogue says', () => {
    const { freed, errors } = calibrate(ASK, measure(SEEN.slice(0, 4), PRIOR));
    for (const { factor } of freed) expect(Math.abs(Math.log(factor))).toBeLessThan(0.02);
    expect(errors.after.tpot!.mape).toBeLessThan(0.1);
  });

  test('is the same every time, and its snippet is an engine of a scenario', () => {
    const points = measure(SEEN.slice(0, 3), TRUTH);
    const calibration = calibrate(ASK, points);
    expect(calibrate(ASK, points)).toEqual(calibration);
    expect(calibration.snippet).toMatch(/^engine:\n {2}# fitted \(n 3, MAPE [\d.]+ %\)\n/);
    const settings = engine.parse((parse(calibration.snippet) as { engine: unknown }).engine);
    const { frontEndMillis, tokensPerStep: _, ...scalars } = calibration.scalars;
    expect(settings).toMatchObject({ kind: 'vllm', precision: 'bf16', stepTime: { kind: 'roofline' } });
    expect(settings.frontEnd!.fixed / 1_000).toBeCloseTo(frontEndMillis, 2);
    const pasted = settings.stepTime.kind === 'roofline' ? settings.stepTime.scalars : {};
    expect(Object.keys(pasted).sort()).toEqual(Object.keys(scalars).sort());
    for (const [name, value] of Object.entries(scalars)) {
      expect(pasted[name as keyof typeof pasted]! / value).toBeCloseTo(1, 3);
    }
  });

  test('a point without a latency counts by its throughput', () => {
    const points = measure([point(closed(16), 1_024, 128)], TRUTH).map((one) => ({
      ...one,
      measured: { throughput: one.measured.throughput! },
    }));
    const { errors } = calibrate(ASK, points);
    expect(errors.before.throughput!.mape).toBeGreaterThan(8);
    expect(errors.after.throughput!.mape).toBeLessThan(3);
  });

  test('models with experts, other engines and several devices', () => {
    const ask: CalibrationAsk = {
      ...ASK,
      model: model('gpt-oss-120b'),
      engine: 'sglang',
      precision: 'fp4',
      parallel: 2,
    };
    const { scalars } = stepTimeFit(ask);
    const truth = { ...scalars, layerMicros: 1.5 * scalars.layerMicros, expertWeights: 0.8 * scalars.expertWeights };
    const { errors } = calibrate(ask, measure(SEEN.slice(0, 3), truth, ask));
    expect(errors.after.tpot!.mape).toBeLessThan(2);
  });

  test('an engine that cannot have been measured is told with what to mend', () => {
    const ask = { ...ASK, model: model('llama-3.1-70b') };
    expect(() => calibrate(ask, SEEN)).toThrow(/llama-3.1-70b in bf16 on 1 x h100 holds 0 tokens.*expected --parallel/);
    expect(() => calibrate(ASK, [])).toThrow('no points');
  });

  test('lengths that are drawn have the mean that was measured', () => {
    const spread: MeasuredPoint = { ...SEEN[2]!, prompt: { kind: 'mean', mean: 1_000, deviation: 300 } };
    expect(meanOf(spread.prompt)).toBe(1_000);
    const [fixed, drawn] = measure([SEEN[2]!, spread], PRIOR);
    expect(drawn!.measured.tpot! / fixed!.measured.tpot!).toBeCloseTo(1, 1);
  });
});

test('the search finds the least squares of a line, drawn to its prior', () => {
  const rows = [0, 1, 2, 3];
  const residuals = ([a, b]: readonly number[]): number[] => rows.map((x) => (a! + b! * x - (0.5 + 0.3 * x)) / 0.01);
  const loose = mapFit({ deviations: [10, 10], residuals }, [0, 0]);
  expect(loose[0]).toBeCloseTo(0.5, 4);
  expect(loose[1]).toBeCloseTo(0.3, 4);
  const tight = mapFit({ deviations: [10, 1e-6], residuals }, [0, 0]);
  expect(tight[1]).toBeCloseTo(0, 3);
});
