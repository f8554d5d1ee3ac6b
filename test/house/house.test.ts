import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Rooms from the ground up: a room may import from those before it, never from one after it. */
const PURE_ROOMS = [
  'kernel',
  'catalog',
  'protocol',
  'telemetry',
  'workload',
  'cluster',
  'engine',
  'platform',
  'gateway',
  'lab',
  'scenario',
  'fidelity',
];
const SHELLS = ['files', 'api', 'load', 'cli'];
const ROOMS = [...PURE_ROOMS, ...SHELLS];

/** What no room below the shells may touch: the world outside, chance of its own, or time of its own. */
const BANNED: readonly (readonly [RegExp, string])[] = [
  [/from 'node:|import\('node:|require\(/, 'a module of the platform'],
  [/\bDate\.now\b|\bnew Date\(\)/, 'the wall clock'],
  [/\bperformance\./, 'the wall clock'],
  [/\bMath\.random\b|\brandomUUID\b|\bcrypto\./, 'chance of its own'],
  [/\bIntl\b|\btoLocale/, "the machine's locale"],
  [/\bprocess\.(env|argv|cwd|hr|next|std|on|exit|mem)|\bconsole\.|\bglobalThis\b/, 'the process'],
  [/\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b|\bqueueMicrotask\b/, 'a timer'],
  [/\basync\b|\bawait\b|\bPromise\b/, 'something asynchronous'],
  [/\bfetch\(|\bBuffer\b/, 'the outside'],
];

/** Libraries without state, clock, chance or input of their own. */
const PURE_LIBRARIES = [
  '@marcbachmann/cel-js',
  '@noble/hashes',
  'csv-parse/sync',
  'd3-random',
  'fastest-levenshtein',
  'pure-rand',
  'yaml',
  'zod',
];

/** Longer files are asked whether they are two; tables of facts are not. */
const LINES_MAX = 400;

const SRC = resolve('src');
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, room: name.split('/')[0]!, text: readFileSync(join(SRC, name), 'utf8') }));

describe('the house keeps its order', () => {
  test('every folder of src is a room that this test knows', () => {
    const rooms = new Set(files.filter(({ name }) => name.includes('/')).map(({ room }) => room));
    expect([...rooms].sort()).toEqual([...ROOMS].sort());
  });

  test('rooms below the shells touch nothing outside', () => {
    const found: string[] = [];
    for (const { name, room, text } of files) {
      if (!PURE_ROOMS.includes(room)) continue;
      for (const [index, line] of withoutComments(text).split('\n').entries()) {
        for (const [pattern, what] of BANNED)
          if (pattern.test(line)) found.push(`${name}:${index + 1}: ${what}: ${line.trim()}`);
      }
    }
    expect(found).toEqual([]);
  });

  test('rooms below the shells keep no state of their own between worlds', () => {
    const found = files
      .filter(({ room }) => PURE_ROOMS.includes(room))
      .flatMap(({ name, text }) => (/^(export )?(let|var) /m.test(withoutComments(text)) ? [name] : []));
    expect(found).toEqual([]);
  });

  test('imports point down, and enter another room by its door', () => {
    const found: string[] = [];
    for (const { name, room, text } of files) {
      for (const [, target] of text.matchAll(/(?:from |import\()'(\.[^']+)'/g)) {
        const path = relative(SRC, resolve(SRC, dirname(name), target!));
        const other = path.split('/')[0]!;
        if (other === room) continue;
        // The package's own door stands above every room but the command line, which may use it as anyone does.
        if (path === 'index.ts' && room === 'cli') continue;
        if (name.includes('/') && ROOMS.indexOf(other) > ROOMS.indexOf(room))
          found.push(`${name} imports ${path}, which is above it`);
        if (path !== `${other}/index.ts`) found.push(`${name} imports ${path}, not the room's index.ts`);
      }
    }
    expect(found).toEqual([]);
  });

  test('rooms below the shells use only libraries that are pure themselves', () => {
    const found = new Set<string>();
    for (const { room, text } of files) {
      if (!PURE_ROOMS.includes(room)) continue;
      for (const [, library] of text.matchAll(/from '([^.'][^']*)'/g)) found.add(library!);
    }
    expect(
      [...found].filter(
        (library) => !PURE_LIBRARIES.some((pure) => library === pure || library.startsWith(`${pure}/`)),
      ),
    ).toEqual([]);
  });

  test('the lockfile holds the optional parts of every platform, not only of the one it was made on', () => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const wanted = Object.values(packages).flatMap(({ optionalDependencies }) =>
      Object.keys(optionalDependencies ?? {}),
    );
    const there = Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, ''));
    expect(wanted.filter((name) => !there.includes(name))).toEqual([]);
  });

  test('every room says at its door what lives there', () => {
    const doors = files.filter(({ name }) => /^[^/]+\/index\.ts$/.test(name));
    expect(doors.filter(({ text }) => !text.startsWith('/**')).map(({ name }) => name)).toEqual([]);
    expect(doors.map(({ room }) => room).sort()).toEqual(ROOMS.filter((room) => room !== 'cli').sort());
  });

  test('files are short and nothing is left open', () => {
    expect(files.filter(({ text }) => text.split('\n').length > LINES_MAX).map(({ name }) => name)).toEqual([]);
    const open = new RegExp(['TO', 'DO|FIX', 'ME|XX', 'X'].join(''));
    expect(files.filter(({ text }) => open.test(text)).map(({ name }) => name)).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, '')).replace(/(^|\s)\/\/.*$/gm, '');
}
