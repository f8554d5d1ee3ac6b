import {
  TypeError as CelTypeError,
  Environment,
  EvaluationError,
  ParseError,
  type ParseResult,
} from '@marcbachmann/cel-js';
import { nearest, suggestion, UserError } from '../kernel/index.ts';
import { type Figures, type ServiceNames, sampleFigures } from './figures.ts';
import { EVERY, type Reference, referencesOf } from './references.ts';

/** An expectation, compiled. */
export interface Expectation {
  readonly name: string;
  /** The CEL expression. */
  readonly text: string;
  /** @throws UserError when the expression cannot be evaluated over these figures, or is not true or false */
  evaluate(figures: Figures): Judgement;
}

export interface Judgement {
  readonly held: boolean;
  /** The figures that the expression uses, such as `ttftMs.p99 = 812.4`. */
  readonly detail: string;
}

const ENVIRONMENT = environment();
const CEL_ERRORS = [ParseError, CelTypeError, EvaluationError] as const;
const SHOWN_DECIMALS = 3;
/** Groups that an expression may take as a whole: `services.all(s, ...)`. */
const isMap = ([root, , group, ...more]: Reference): boolean =>
  group === undefined
    ? root === 'services' || root === 'events'
    : root === 'services' && group === 'deployments' && more.length === 0;

/**
 * Compiles a CEL expression over the verdict's {@link Figures}. An event that never happened counts 0. An
 * expression that uses a figure without a sample does not hold.
 * @param services the names of the scenario's services, and of their deployments
 * @throws UserError when it does not parse, refers to an unknown name (the nearest is named), or is no condition
 */
export function compileExpectation(text: string, services: ServiceNames, name: string = text): Expectation {
  const program = guard(text, () => {
    const parsed = ENVIRONMENT.parse(text);
    for (const reference of referencesOf(parsed.ast)) checkReference(reference, services);
    const { error } = parsed.check();
    if (error !== undefined) throw error;
    return parsed;
  });
  const references = referencesOf(program.ast);
  const evaluate = (verdict: Figures): Judgement => {
    const figures = withAbsentEvents(verdict, references);
    const used = references.flatMap((reference) => leavesOf(reference, figures));
    const detail = used
      .map(({ path, value }) => (value === null ? `${path}: no sample` : `${path} = ${show(value)}`))
      .join(', ');
    if (used.some(({ value }) => value === null)) return { held: false, detail };
    return { held: guard(text, () => run(text, program, figures)), detail };
  };
  // A dry run over figures of the right kinds finds what the type checker cannot: `requests.total > "a"`.
  evaluate(sampleFigures(services));
  return { name, text, evaluate };
}

/** CEL keeps integers and doubles apart; figures are doubles, and a person writes `requests.failed / 2`. */
function environment(): Environment {
  const made = new Environment();
  for (const root of Object.keys(sampleFigures({}))) made.registerVariable(root, 'dyn');
  const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
    '%': (a, b) => a % b,
  };
  for (const [operator, apply] of Object.entries(arithmetic)) {
    const mixed = (a: number | bigint, b: number | bigint): number => apply(Number(a), Number(b));
    made.registerOperator(`double ${operator} int: double`, mixed);
    made.registerOperator(`int ${operator} double: double`, mixed);
  }
  made.registerOperator('double % double: double', arithmetic['%']!);
  made.registerOperator('double == int: bool', (a: number, b: bigint) => a === Number(b));
  return made;
}

function run(text: string, program: ParseResult, figures: Figures): boolean {
  const result: unknown = program(figures);
  if (typeof result === 'boolean') return result;
  throw new UserError(`"${text}" is ${kindOf(result)}; expected a condition that is true or false`);
}

/** Turns what CEL throws into a UserError with the character at which it went wrong. */
function guard<Result>(text: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!CEL_ERRORS.some((kind) => error instanceof kind)) throw error;
    const { summary, range } = error as ParseError;
    const at = range === undefined ? '' : ` (character ${range.start + 1})`;
    throw new UserError(`"${text}" is no expression over the figures: ${summary}${at}`);
  }
}

function checkReference(reference: Reference, services: ServiceNames): void {
  let holder: unknown = sampleFigures(services);
  for (const [index, step] of reference.entries()) {
    const path = reference.slice(0, index);
    if (typeof holder !== 'object' || holder === null) {
      throw new UserError(`unknown name "${pathOf([...path, step])}"; "${pathOf(path)}" is a single figure`);
    } else {
      const found: unknown =
        step === EVERY ? Object.values(holder)[0] : Object.hasOwn(holder, step) ? holder[step as never] : undefined;
      if (found === undefined && step === EVERY) return;
      if (found === undefined) throw unknownName(path, step, Object.keys(holder));
      holder = found;
    }
  }
  if (typeof holder !== 'object' || holder === null || isMap(reference)) return;
  const parts = Object.keys(holder).map((key) => `"${pathOf([...reference, key])}"`);
  throw new UserError(`"${pathOf(reference)}" is a group of figures; expected one of ${parts.join(', ')}`);
}

/** A status, `RUNNING` say, that was meant as a text. */
const STATUS = /^[A-Z]{3,}$/;

function unknownName(path: Reference, step: string, known: readonly string[]): UserError {
  if (path.length === 0 && STATUS.test(step)) {
    return new UserError(
      `unknown name "${step}"; a text is written in quotes, as in services.NAME.status == "RUNNING"`,
    );
  }
  const near = nearest(step, known);
  const hint = near === undefined ? suggestion(step, known) : `; did you mean "${pathOf([...path, near])}"?`;
  return new UserError(`unknown name "${pathOf([...path, step])}"${hint}`);
}

interface Leaf {
  readonly path: string;
  readonly value: number | string | null;
}

/** The single figures that a reference names; a group of figures (`services` in `services.all(...)`) is none. */
function leavesOf(reference: Reference, figures: Figures): Leaf[] {
  let level: { path: Reference; value: unknown }[] = [{ path: [], value: figures }];
  for (const step of reference) {
    level = level.flatMap(({ path, value }) => {
      const holder = (value ?? {}) as Record<string, unknown>;
      const keys = step === EVERY ? Object.keys(holder) : [step];
      return keys.map((key) => ({ path: [...path, key], value: holder[key] ?? null }));
    });
  }
  return level
    .filter(({ value }) => value === null || typeof value !== 'object')
    .map(({ path, value }) => ({ path: pathOf(path), value: value as Leaf['value'] }));
}

function withAbsentEvents(figures: Figures, references: readonly Reference[]): Figures {
  const named = references.filter(([root, reason]) => root === 'events' && reason !== undefined && reason !== EVERY);
  return { ...figures, events: { ...Object.fromEntries(named.map(([, reason]) => [reason, 0])), ...figures.events } };
}

function pathOf(path: Reference): string {
  return path.reduce((written, step) => {
    if (step !== EVERY && !/^[A-Za-z_]\w*$/.test(step)) return `${written}["${step}"]`;
    return written === '' ? step : `${written}.${step}`;
  }, '');
}

function show(value: number | string): string {
  return typeof value === 'number' ? String(Number(value.toFixed(SHOWN_DECIMALS))) : JSON.stringify(value);
}

function kindOf(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number';
  return typeof value === 'string' ? 'a text' : 'a group of figures';
}
