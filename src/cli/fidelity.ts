import { basename } from 'node:path';
import {
  type Baseline,
  baselineFigures,
  type FidelityReport,
  regressions,
  fidelity as replay,
  TABLES,
  tableNamed,
} from '../fidelity/index.ts';
import { FIDELITY_BASELINE, readMeasurements, readText, writeText } from '../files/index.ts';
import { UserError } from '../kernel/index.ts';
import { ExitCode } from './exit.ts';
import { fidelityText, regressionText } from './fidelity-text.ts';

export interface FidelityOptions {
  readonly json?: boolean;
  readonly table?: string;
  readonly measurements?: string;
  readonly quick?: boolean;
  readonly baseline?: string | boolean;
  readonly writeBaseline?: string;
}

/** Rows between two looks at the clock, and milliseconds between two lines of progress. */
const PROGRESS_EVERY_MS = 250;

/** `inferlab fidelity`: published measurements replayed on the engine, and the error. */
export function fidelity(options: FidelityOptions): ExitCode {
  const own = options.measurements;
  if (own !== undefined && options.table !== undefined) {
    throw new UserError('--measurements FILE is a table of its own; leave --table out');
  }
  if (own !== undefined && (options.baseline !== undefined || options.writeBaseline !== undefined)) {
    throw new UserError('the baseline is of the published tables; leave it out with --measurements FILE');
  }
  if (options.writeBaseline !== undefined) return writeBaseline(options.writeBaseline);
  const report = replay(readMeasurements(), {
    tables: options.table === undefined ? TABLES : [tableNamed(options.table)],
    quick: options.quick === true,
    ...(own === undefined ? {} : { own: { name: basename(own), text: readText(own, own) } }),
    ...(process.stderr.isTTY && options.json !== true ? { progress: progressLine() } : {}),
  });
  if (options.json === true) process.stdout.write(`${JSON.stringify(report.figures)}\n`);
  else process.stdout.write(fidelityText(report, process.stdout.isTTY));
  if (options.baseline === undefined || options.baseline === false) return ExitCode.pass;
  return compare(report, options);
}

function compare(report: FidelityReport, { baseline: file, quick, table }: FidelityOptions): ExitCode {
  const name = typeof file === 'string' ? file : FIDELITY_BASELINE;
  const baseline = readBaseline(name);
  const before = quick === true ? baseline.quick : baseline.full;
  const worse = regressions(
    table === undefined ? before : before.filter((figure) => figure.table === table),
    report.figures,
  );
  process.stderr.write(`${regressionText(worse, before.length)}\n`);
  return worse.length === 0 ? ExitCode.pass : ExitCode.fail;
}

function readBaseline(file: string): Baseline {
  const text = readText(file, file);
  let baseline: Partial<Baseline>;
  try {
    baseline = JSON.parse(text) as Partial<Baseline>;
  } catch (error) {
    throw new UserError(`not JSON: ${(error as Error).message}`, { file });
  }
  if (baseline.baselineFormat !== 1 || !Array.isArray(baseline.full) || !Array.isArray(baseline.quick)) {
    throw new UserError('no fidelity baseline; expected {"baselineFormat": 1, "full": [...], "quick": [...]}', {
      file,
    });
  }
  return baseline as Baseline;
}

function progressLine(): (done: number, all: number) => void {
  let last = 0;
  return (done, all) => {
    const now = performance.now();
    if (done < all && now - last < PROGRESS_EVERY_MS) return;
    last = now;
    process.stderr.write(done < all ? `\r${done} of ${all} rows ` : '\r\u001b[K');
  };
}

/** A whole and a quick run, written as the figures that later ones are compared with. */
function writeBaseline(file: string): ExitCode {
  const files = readMeasurements();
  const rows = (quick: boolean): string =>
    baselineFigures(replay(files, { tables: TABLES, quick }).figures)
      .map((figure) => `    ${JSON.stringify(figure)}`)
      .join(',\n');
  writeText(
    file,
    `{\n  "baselineFormat": 1,\n  "full": [\n${rows(false)}\n  ],\n  "quick": [\n${rows(true)}\n  ]\n}\n`,
  );
  return ExitCode.pass;
}
