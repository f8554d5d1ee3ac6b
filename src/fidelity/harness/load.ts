import { Chance } from '../../kernel/index.ts';

/** Requests as a benchmark draws them, by number. */
export interface Requests {
  readonly promptTokens: Int32Array;
  readonly outputTokens: Int32Array;
}

/** The seed of all lengths drawn here: figures are the same on every machine. */
const SEED = 1;

/**
 * Lengths drawn evenly from `shortest` to 1 of the nominal ones, as InferenceMAX's benchmark client does.
 * @param shortest 1 for fixed lengths
 */
export function drawRequests(count: number, promptTokens: number, outputTokens: number, shortest: number): Requests {
  const chance = new Chance(SEED);
  const draw = (nominal: number, name: string): Int32Array => {
    const uniform = chance.stream(name);
    const least = Math.floor(shortest * nominal);
    return Int32Array.from({ length: count }, () => Math.max(1, least + Math.floor(uniform() * (nominal + 1 - least))));
  };
  return { promptTokens: draw(promptTokens, 'prompts'), outputTokens: draw(outputTokens, 'outputs') };
}

/** Requests that a benchmark sends for its number of clients: fewer rounds of the many, or no run would end. */
export function closedLoopRequests(clients: number): number {
  if (clients <= 512) return 10 * clients;
  return (clients <= 2_048 ? 5 : 3) * clients;
}

/** The same for a disaggregated deployment, whose many clients are slow to simulate; as the fit was made. */
export function disaggregatedRequests(clients: number): number {
  if (clients <= 256) return 10 * clients;
  return (clients <= 1_024 ? 4 : 2) * clients;
}
