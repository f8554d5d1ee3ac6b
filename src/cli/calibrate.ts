import {
  ACCELERATORS,
  ENGINE_KINDS,
  type EngineKind,
  findAccelerator,
  findModel,
  MODELS,
  PRECISIONS,
  type Precision,
} from '../catalog/index.ts';
import { calibrate as fit, readPoints } from '../fidelity/index.ts';
import { readText } from '../files/index.ts';
import { suggestion, UserError } from '../kernel/index.ts';
import { calibrationText } from './calibrate-text.ts';
import { ExitCode } from './exit.ts';

export interface CalibrateOptions {
  readonly accelerator: string;
  readonly model: string;
  readonly parallel: number;
  readonly engine: string;
  readonly engineVersion?: string;
  readonly precision: string;
  readonly maxNumSeqs?: number;
  readonly maxNumBatchedTokens?: number;
  readonly kvTokens?: number;
  readonly json?: boolean;
}

/** The name of standard input. */
const STDIN = '-';

/** `inferlab calibrate`: a person's own benchmark output, and the step-time scalars that it tells. */
export function calibrate(files: readonly string[], options: CalibrateOptions): ExitCode {
  const accelerator =
    findAccelerator(options.accelerator) ?? unknown('--accelerator', options.accelerator, ACCELERATORS);
  const model = findModel(options.model) ?? unknown('--model', options.model, MODELS);
  const points = files.flatMap((file) =>
    file === STDIN ? readPoints(readText(0, '<stdin>'), '<stdin>') : readPoints(readText(file, file), file),
  );
  const { engineVersion, maxNumSeqs, maxNumBatchedTokens, kvTokens } = options;
  const calibration = fit(
    {
      accelerator,
      model,
      engine: oneOf<EngineKind>('--engine', options.engine, ENGINE_KINDS),
      ...(engineVersion === undefined ? {} : { version: engineVersion }),
      precision: oneOf<Precision>('--precision', options.precision, PRECISIONS),
      parallel: options.parallel,
      ...(maxNumSeqs === undefined ? {} : { maxNumSeqs }),
      ...(maxNumBatchedTokens === undefined ? {} : { maxNumBatchedTokens }),
      ...(kvTokens === undefined ? {} : { kvTokens }),
    },
    points,
  );
  const text = options.json === true ? JSON.stringify(calibration) : calibrationText(calibration);
  process.stdout.write(`${text}\n`);
  return ExitCode.pass;
}

function oneOf<Name extends string>(option: string, name: string, names: readonly Name[]): Name {
  const found = names.find((each) => each === name);
  if (found === undefined) throw new UserError(`${option}: there is no "${name}"${suggestion(name, names)}`);
  return found;
}

function unknown(option: string, name: string, rows: readonly { readonly id: string }[]): never {
  const names = rows.map(({ id }) => id);
  throw new UserError(`${option}: there is no "${name}" in the catalogue${suggestion(name, names)}`);
}
