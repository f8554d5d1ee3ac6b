import type { StepTimeScalars } from '../../src/catalog/index.ts';

/** Every rate at its peak and nothing besides: what is left is physics. */
export const IDEAL: StepTimeScalars = {
  stepMicros: 0,
  layerMicros: 0,
  sequenceMicros: 0,
  compute: 1,
  expertCompute: 1,
  weights: 1,
  expertWeights: 1,
  attention: 1,
  attentionCompute: 1,
  collectiveMicros: 0,
  link: 1,
  elementwise: 0,
  frontEndMillis: 0,
  tokensPerStep: 1,
};
