import type { OpenDoor } from './doors.ts';

export type Within = <Result>(body: (fetch: typeof globalThis.fetch) => Promise<Result>) => Promise<Result>;

/** What a client's code comes to that runs where `fetch` reaches the lab. */
export async function inside<Result>(
  door: OpenDoor,
  body: (fetch: typeof globalThis.fetch) => Promise<Result>,
): Promise<Result> {
  const results: Result[] = [];
  await door.within(async (fetch) => {
    results.push(await body(fetch));
  });
  return results[0]!;
}
