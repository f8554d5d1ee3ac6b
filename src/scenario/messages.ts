import type { z } from 'zod';
import { suggestion } from '../kernel/index.ts';

type RawIssue = z.core.$ZodRawIssue;

/** Longest value that a message shows in full. */
const SHOWN_LENGTH = 60;

/** A value as a message shows it. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const written = JSON.stringify(value);
  return written.length > SHOWN_LENGTH ? `${written.slice(0, SHOWN_LENGTH)}…` : written;
}

/** A schema's own message: what it got, and what it expected. */
export function expecting(what: string): { error: (issue: RawIssue) => string } {
  return {
    error: ({ input }) => (input === undefined ? `missing; expected ${what}` : `got ${show(input)}, expected ${what}`),
  };
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'an integer',
};

/** What others call a key of ours, Kubernetes and engines' command lines among them. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  gpu: 'accelerators',
  gpus: 'accelerators',
  npu: 'accelerators',
  npus: 'accelerators',
  replicas: 'instances',
  period: 'interval',
  periodSeconds: 'interval',
  initialDelay: 'delay',
  initialDelaySeconds: 'delay',
  rps: 'rate',
  qps: 'rate',
  enablePrefixCaching: 'prefixUnitTokens',
};

/** Tensor parallelism is not a key: it is what is left of a unit's accelerators. */
const TENSOR_PARALLEL = /^(tp|tensor_?parallel(_?size)?)$/i;

function unknownKey(key: string, known: readonly string[]): string {
  if (TENSOR_PARALLEL.test(key) && known.includes('pipelineParallel')) {
    return `unknown key "${key}"; the unit's resources.accelerators are tensor-parallel`;
  }
  const meant = Object.hasOwn(ELSEWHERE, key) ? ELSEWHERE[key]! : '';
  return `unknown key "${key}"${known.includes(meant) ? `; did you mean "${meant}"?` : suggestion(key, known)}`;
}

/** The message of an issue whose schema has none of its own. Unknown keys get one line each, in their order. */
export function explain(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysOf(issue.inst);
      return issue.keys.map((key) => unknownKey(key, known)).join('\n');
    }
    case 'invalid_type':
      return expecting(TYPES[issue.expected] ?? issue.expected).error(issue);
    case 'invalid_value':
      return oneOf(issue.input, issue.values.map(String));
    case 'invalid_key':
      return issue.issues[0]?.message;
    case 'invalid_union': {
      const { discriminator, options, input } = issue as {
        discriminator?: string;
        options?: unknown[];
        input?: unknown;
      };
      if (discriminator === undefined) return undefined;
      const got =
        typeof input === 'object' && input !== null ? (input as Record<string, unknown>)[discriminator] : input;
      return oneOf(got, (options ?? []).map(String));
    }
    default:
      return undefined;
  }
}

function oneOf(got: unknown, values: readonly string[]): string {
  const list = values.map((value) => `"${value}"`).join(', ');
  if (values.length === 1) return expecting(list).error({ input: got } as RawIssue);
  if (got === undefined) return `missing; expected one of ${list}`;
  return typeof got === 'string'
    ? `got ${show(got)}${suggestion(got, values)}`
    : `got ${show(got)}, expected one of ${list}`;
}

function keysOf(schema: unknown): string[] {
  const { shape } = (schema as { _zod: { def: { shape?: Record<string, unknown> } } })._zod.def;
  return Object.keys(shape ?? {});
}

/** One thing wrong, at a path. `at` says whether its key or its value is to be pointed at. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly at: 'key' | 'value';
}

/** What a schema found, as problems: one for each unknown key, and for a union those of the branch that was meant. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], base: Problem['path'] = []): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = [...base, ...(issue.path as (string | number)[])];
    if (issue.code === 'unrecognized_keys') {
      const lines = issue.message.split('\n');
      return issue.keys.map((key, index) => ({ path: [...path, key], message: lines[index]!, at: 'key' }));
    }
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      const meant = issue.errors.find((branch) =>
        branch.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys'),
      );
      if (meant !== undefined) return problemsOf(meant, path);
    }
    return [{ path, message: issue.message, at: issue.code === 'invalid_key' ? 'key' : 'value' }];
  });
}
