/**
 * Fidelity: published measurements, replayed on the engine, and the error. Readers of the tables, the benchmark
 * harnesses that made them, and the figures live here; nothing here is part of a simulated world, and no file is read.
 */
export type { Bar } from './bars.ts';
export { type Baseline, type BaselineFigure, baselineFigures, type Regression, regressions } from './baseline.ts';
export { type Calibration, type CalibrationErrors, calibrate, POINT_METRICS } from './calibrate/calibrate.ts';
export type { MeasuredPoint } from './calibrate/points.ts';
export { readPoints } from './calibrate/readers/index.ts';
export type { CalibrationAsk } from './calibrate/setup.ts';
export { NOT_COVERED, OUTLIERS } from './coverage.ts';
export { type FidelityReport, type FidelityRequest, fidelity } from './fidelity.ts';
export { type Comparison, type FidelityFigures, figuresOf, heldOutMape } from './figures.ts';
export {
  MEASUREMENT_FILES,
  type MeasurementFile,
  type Measurements,
  TABLES,
  type Table,
  tableNamed,
} from './measurements.ts';
export { PEERS, type PeerFigure } from './peers.ts';
