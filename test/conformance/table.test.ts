import { beforeAll, describe, expect, test } from 'vitest';
import { citedRules } from './citations.ts';
import type { GuideRule } from './guide-lines/rule.ts';
import { SECTIONS, sectionOf } from './guide-lines.ts';
import { LEFT_OUT } from './left-out.ts';
import { type Citation, conformance, LISTS, listProblems } from './table.ts';

describe('the lists of rules', () => {
  test('name no rule twice', () => {
    expect(listProblems()).toEqual([]);
  });

  test('hold each rule in the section of its line', () => {
    const astray = SECTIONS.flatMap(({ name, rules }) => rules.filter(({ line }) => sectionOf(line)?.name !== name));
    expect(astray).toEqual([]);
    expect(LEFT_OUT.filter(({ line }) => sectionOf(line) === undefined)).toEqual([]);
  });

  test('have aliases in the sections covered only', () => {
    const aliases = [...LISTS.rules, ...LEFT_OUT].flatMap((rule) => rule.aliases ?? []);
    expect(aliases.filter((line) => sectionOf(line) === undefined)).toEqual([]);
  });

  test('say of every rule that is left out why', () => {
    const reasons = /^(console only|belongs to a later part: .+|not simulated: .+)$/;
    expect(LEFT_OUT.filter(({ reason }) => !reasons.test(reason))).toEqual([]);
  });
});

describe('the tests of the rules', () => {
  let citations: readonly Citation[] = [];
  beforeAll(async () => {
    citations = await citedRules();
  }, 300_000);

  test('cite listed rules only', () => {
    expect(conformance(citations).problems).toEqual([]);
  });

  // No rule is forgotten.
  test('show every rule that is not left out', () => {
    expect(conformance(citations).untested).toEqual([]);
  });
});

describe('the conformance table', () => {
  const one: GuideRule = { line: 10, aliases: [20, 30], rule: 'one rule' };
  const first: GuideRule = { line: 11, aliases: [20], rule: 'the first of two' };
  const second: GuideRule = { line: 11, rule: 'the second of two' };
  const leftOut = { line: 12, rule: 'a button', reason: 'console only' };
  const lists = { rules: [one, first, second], leftOut: [leftOut] };
  const cites = (lines: readonly number[], rule: string, state: Citation['state'] = 'passed'): Citation => ({
    rule,
    lines,
    test: rule,
    state,
  });

  test('finds a rule by its line alone when the line states no other', () => {
    const { rows, problems } = conformance([cites([10], 'in other words')], lists);
    expect(problems).toEqual([]);
    expect(rows[0]).toEqual({ rule: 'one rule', line: 10, test: 'in other words', state: 'passed' });
  });

  test('finds a rule by its wording when the line states several', () => {
    const { rows, untested } = conformance([cites([11], 'the second of two')], lists);
    expect(rows.map(({ rule }) => rule)).toEqual(['the second of two', 'a button']);
    expect(untested).toEqual([one, first]);
  });

  test('refuses a wording that could be either of two rules', () => {
    expect(conformance([cites([11], 'both')], lists).problems[0]).toMatch(/states several rules: .*"the first of two"/);
  });

  test('takes an alias for the line that it repeats', () => {
    expect(conformance([cites([30], 'x')], lists).rows[0]?.line).toBe(10);
    expect(conformance([cites([20], 'the first of two')], lists).rows[0]?.line).toBe(11);
    expect(conformance([cites([20], 'x')], lists).problems).toHaveLength(1);
  });

  test('refuses a line that is left out or not listed', () => {
    const { problems } = conformance([cites([12, 13], 'x')], lists);
    expect(problems).toEqual([
      'x: line 12 is left out (console only): move it from left-out.ts to the rules',
      'x: line 13 is no line of guide-lines.ts',
    ]);
  });

  test('shows of several tests the one that does worst', () => {
    const { rows } = conformance([cites([10], 'well'), cites([10, 11], 'the first of two', 'failed')], lists);
    expect(rows.map(({ rule, state }) => [rule, state])).toEqual([
      ['one rule', 'failed'],
      ['the first of two', 'failed'],
      ['a button', 'left out'],
    ]);
  });

  test('gives rules that are left out no test, and their reason', () => {
    expect(conformance([], lists).rows).toEqual([
      { rule: 'a button', line: 12, test: null, state: 'left out', reason: 'console only' },
    ]);
  });

  test('finds a rule that is listed twice', () => {
    expect(listProblems({ rules: [one, { ...one }], leftOut: [] })).toEqual(['10 one rule: listed twice']);
  });
});
