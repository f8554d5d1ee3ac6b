import { type Evidence, evidenceText, type StepTimeScalars } from '../../catalog/index.ts';
import { TOKENISER_MS } from './replay.ts';
import type { CalibrationSetup } from './setup.ts';

/** Of the scalars, those that a step has nothing to do with: the front end is the engine's, drafts are its speculation's. */
const NOT_OF_A_STEP: readonly string[] = ['frontEndMillis', 'tokensPerStep'];

/**
 * YAML of the engine to paste into a unit of a scenario. All scalars of a step stand there, moved or not: a set is to
 * be used as one, and a later catalogue must not change what was fitted.
 */
export function snippetOf({ ask, limits }: CalibrationSetup, scalars: StepTimeScalars, evidence: Evidence): string {
  const { engine, version, precision } = ask;
  const lines = Object.entries(scalars)
    .filter(([name]) => !NOT_OF_A_STEP.includes(name))
    .map(([name, value]) => `      ${name}: ${Number((value as number).toPrecision(4))}`);
  return [
    'engine:',
    `  # ${evidenceText(evidence)}`,
    `  kind: ${engine}`,
    ...(version === undefined ? [] : [`  version: ${JSON.stringify(version)}`]),
    `  precision: ${precision}`,
    `  maxNumSeqs: ${limits.maxNumSeqs}`,
    `  maxNumBatchedTokens: ${limits.maxNumBatchedTokens}`,
    '  frontEnd:',
    `    fixed: ${Math.round(1_000 * scalars.frontEndMillis)}us`,
    `    perToken: ${1_000 * TOKENISER_MS}us`,
    '  stepTime:',
    '    kind: roofline',
    '    scalars:',
    ...lines,
    '',
  ].join('\n');
}
