/** The tests written with `guideRule`: found by reading the files, named or run by vitest. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Citation, TestState } from './table.ts';

/** Part of what vitest's json reporter writes. */
interface JsonReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly meta?: { readonly guideRule?: Pick<Citation, 'rule' | 'lines'> };
    }[];
  }[];
}

export interface Run {
  readonly citations: readonly Citation[];
  /** Files that vitest could not read; their rules are not among the citations. */
  readonly broken: readonly string[];
}

/** Test files that import `guideRule`. */
export function filesWithRules(): readonly string[] {
  return readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', name))
    .filter((path) => /from '[./]+\/support\/guide-rule\.ts'/.test(readFileSync(path, 'utf8')))
    .sort();
}

/** What the tests cite, without running them: their state is `skipped`. @throws when a file cannot be read */
export async function citedRules(): Promise<readonly Citation[]> {
  const files = filesWithRules();
  if (files.length === 0) return [];
  // Nothing runs, so the files may share what they import: several times as fast.
  const { code, stdout, stderr } = await vitest(['list', ...files, '--json', '--no-isolate'], 'kept');
  if (code !== 0) throw new Error(`vitest list: ${stderr}${stdout}`);
  const tests = JSON.parse(stdout) as readonly { readonly name: string; readonly file: string }[];
  return tests.flatMap(({ name, file }): readonly Citation[] => {
    const [, lines, rule] = /(?:^| > )guide ([\d, ]+): (.*)$/.exec(name) ?? [];
    if (lines === undefined || rule === undefined) return [];
    const test = `${relative('.', file)} > ${name}`;
    return [{ rule, lines: lines.split(', ').map(Number), test, state: 'skipped' }];
  });
}

/** Runs the tests; what vitest says of them goes to standard error. */
export async function runRules(): Promise<Run> {
  const files = filesWithRules();
  if (files.length === 0) return { citations: [], broken: [] };
  const folder = mkdtempSync(join(tmpdir(), 'inferlab-conformance-'));
  try {
    const report = join(folder, 'report.json');
    await vitest(['run', ...files, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`], 'shown');
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as JsonReport;
    return {
      citations: testResults.flatMap(({ name, assertionResults }) =>
        assertionResults.flatMap(({ fullName, status, meta }): readonly Citation[] =>
          meta?.guideRule === undefined
            ? []
            : [{ ...meta.guideRule, test: `${relative('.', name)} > ${fullName}`, state: stateOf(status) }],
        ),
      ),
      broken: testResults
        .filter(({ message, assertionResults }) => message !== '' && assertionResults.length === 0)
        .map(({ name, message }) => `${relative('.', name)}: ${message}`),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function stateOf(status: string): TestState {
  return status === 'passed' || status === 'failed' ? status : 'skipped';
}

function vitest(
  args: readonly string[],
  output: 'kept' | 'shown',
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', ...args], {
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        if (output === 'shown') process.stderr.write(text);
        else said[stream] += text;
      });
    }
    child.on('error', reject).on('close', (code) => resolve({ code, ...said }));
  });
}
