import { fileURLToPath } from 'node:url';

/** The repository's root, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The rooms that are measured: where each is in `dist`, and the types that it has in `src`. */
interface Rooms {
  readonly '.': typeof import('../../src/index.ts');
  readonly catalog: typeof import('../../src/catalog/index.ts');
  readonly cluster: typeof import('../../src/cluster/index.ts');
  readonly engine: typeof import('../../src/engine/index.ts');
  readonly files: typeof import('../../src/files/index.ts');
  readonly kernel: typeof import('../../src/kernel/index.ts');
  readonly lab: typeof import('../../src/lab/index.ts');
  readonly scenario: typeof import('../../src/scenario/index.ts');
}

/** A room as users run it: compiled, from `dist`. Nothing is loaded before it is asked for. */
export async function built<Room extends keyof Rooms>(room: Room): Promise<Rooms[Room]> {
  return (await import(new URL(`../../dist/${room}/index.js`, import.meta.url).href)) as Rooms[Room];
}
