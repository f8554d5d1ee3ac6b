const GIVE_UP_MS = 30_000;

/** Waits until something holds. */
export async function until(holds: () => Promise<boolean> | boolean, giveUpMs = GIVE_UP_MS): Promise<void> {
  for (const end = Date.now() + giveUpMs; !(await holds()); ) {
    if (Date.now() > end) throw new Error('it never came to hold');
    await pause(20);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
