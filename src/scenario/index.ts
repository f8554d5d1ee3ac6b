/**
 * The scenario: text to the description of a lab and its traffic, and expectations to a verdict. It knows the format
 * and what makes a scenario sound; it reads no file (texts are handed in), runs nothing and keeps no state.
 */

export { describe, serviceId } from './describe.ts';
export { parseDuration } from './duration.ts';
export { compileExpectation, type Expectation, type Judgement } from './expressions.ts';
export {
  type DeploymentFigures,
  type Figures,
  figuresOf,
  type LoadFigures,
  type ServiceFigures,
  type ServiceNames,
  sampleFigures,
} from './figures.ts';
export { type Overrides, readScenario, type ScenarioDocument, type TraceFile } from './parse.ts';
export { jsonSchema, type Scenario } from './schema.ts';
export { judge, type LiveFigures, type Verdict } from './verdict.ts';
