import { test } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** What `npm run conformance` reads: the rule that a test shows, and where the guide states it. */
    guideRule?: { readonly rule: string; readonly lines: readonly number[] };
  }
}

/**
 * A test of a rule of the platform's guide: `guideRule(4034, 'max surge rounds up', () => { ... })`.
 * The lines are those of `test/conformance/guide-lines.ts`; several, when one test shows them all. Where a line states
 * several rules, `rule` is the wording of that list; elsewhere the list's wording is best and others will do.
 */
export function guideRule(
  line: number | readonly number[],
  rule: string,
  body: () => void | Promise<void>,
  timeout?: number,
): void {
  const lines = typeof line === 'number' ? [line] : line;
  const options = { meta: { guideRule: { rule, lines } } };
  test(`guide ${lines.join(', ')}: ${rule}`, timeout === undefined ? options : { ...options, timeout }, body);
}
