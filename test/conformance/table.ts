import type { GuideRule } from './guide-lines/rule.ts';
import { SECTIONS } from './guide-lines.ts';
import { LEFT_OUT, type LeftOutRule } from './left-out.ts';

export type TestState = 'passed' | 'failed' | 'skipped';

/** A test that was written with `guideRule`. */
export interface Citation {
  readonly rule: string;
  readonly lines: readonly number[];
  /** File and full name. */
  readonly test: string;
  readonly state: TestState;
}

/** What `npm run conformance -- --json` prints of each rule. */
export interface ConformanceRow {
  readonly rule: string;
  readonly line: number;
  /** Null when no test is to show the rule; `reason` says why. */
  readonly test: string | null;
  readonly state: TestState | 'left out';
  readonly reason?: string;
}

/** What the table is made of. */
export interface Lists {
  readonly rules: readonly GuideRule[];
  readonly leftOut: readonly LeftOutRule[];
}

export interface Conformance {
  /** By line; one row a rule, with the test that does worst if there are several. */
  readonly rows: readonly ConformanceRow[];
  /** Listed rules without a test. */
  readonly untested: readonly GuideRule[];
  /** Citations that say no rule of the lists. */
  readonly problems: readonly string[];
}

export const LISTS: Lists = { rules: SECTIONS.flatMap(({ rules }) => rules), leftOut: LEFT_OUT };

const WORST_FIRST: readonly TestState[] = ['failed', 'skipped', 'passed'];

/** Joins the tests with the lists. */
export function conformance(citations: readonly Citation[], lists: Lists = LISTS): Conformance {
  const tests = new Map<GuideRule, Citation[]>();
  const problems: string[] = [];
  for (const citation of citations) {
    for (const line of citation.lines) {
      const rule = ruleAt(line, citation.rule, lists);
      if (typeof rule === 'string') problems.push(`${citation.test}: ${rule}`);
      else tests.set(rule, [...(tests.get(rule) ?? []), citation]);
    }
  }
  const shown = [...tests].map(([{ rule, line }, by]): ConformanceRow => {
    const { test, state } = by.toSorted((a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state))[0]!;
    return { rule, line, test, state };
  });
  const leftOut = lists.leftOut.map(
    ({ rule, line, reason }): ConformanceRow => ({ rule, line, test: null, state: 'left out', reason }),
  );
  return {
    rows: [...shown, ...leftOut].sort((a, b) => a.line - b.line || (a.rule < b.rule ? -1 : 1)),
    untested: lists.rules.filter((rule) => !tests.has(rule)),
    problems,
  };
}

/**
 * The rule that a test shows with a line: the one of its wording; where the line states one rule only, that one.
 * Otherwise what is wrong with the citation.
 */
function ruleAt(line: number, wording: string, { rules, leftOut }: Lists): GuideRule | string {
  const stated = rules.filter((rule) => rule.line === line);
  const repeated = rules.filter(({ aliases }) => aliases?.includes(line));
  const worded = [...stated, ...repeated].find(({ rule }) => rule === wording);
  if (worded !== undefined) return worded;
  const candidates = stated.length > 0 ? stated : repeated;
  if (candidates.length === 1) return candidates[0]!;
  if (candidates.length > 1) {
    const choice = candidates.map(({ rule }) => `"${rule}"`).join(', ');
    return `line ${line} states several rules: call it one of ${choice}`;
  }
  const dropped = leftOut.find((rule) => rule.line === line || rule.aliases?.includes(line));
  if (dropped !== undefined)
    return `line ${line} is left out (${dropped.reason}): move it from left-out.ts to the rules`;
  return `line ${line} is no line of guide-lines.ts`;
}

/** What is wrong with the lists themselves. */
export function listProblems({ rules, leftOut }: Lists = LISTS): readonly string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { line, aliases = [], rule } of [...rules, ...leftOut]) {
    const key = `${line} ${rule}`;
    if (seen.has(key)) problems.push(`${key}: listed twice`);
    seen.add(key);
    if (aliases.includes(line)) problems.push(`${key}: an alias of itself`);
    if (new Set(aliases).size < aliases.length) problems.push(`${key}: an alias twice`);
  }
  return problems;
}
