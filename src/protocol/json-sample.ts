import { JsonSampler } from './json-schema-walk.ts';
import { replyPieces } from './reply-text.ts';
import type { JsonSchema } from './structured-output.ts';
import { fitPieces, tokenPieces } from './token-text.ts';
import { countTokens } from './tokens.ts';

/** A place in a sampled JSON text whose prose may have any number of tokens in these bounds. */
export interface Prose {
  tokens: number;
  readonly most: number;
}

/** A JSON text that is fixed but for the prose in its strings. */
export interface JsonSample {
  readonly parts: readonly (string | Prose)[];
  /** How many tokens it counts with its prose as short as the schema lets it be. */
  readonly leastTokens: number;
}

/** A valid instance of a schema, as short as it gets: which one, the draws decide. */
export function sampleJson(schema: JsonSchema, words: readonly string[], uniform: () => number): JsonSample {
  const parts = new JsonSampler(schema, words, uniform).sample();
  // Prose stands between marks or after a digit: parts count side by side what they count alone.
  const leastTokens = parts.reduce(
    (sum, part) => sum + (typeof part === 'string' ? countTokens(part) : part.tokens),
    0,
  );
  return { parts, leastTokens };
}

/**
 * The sample as exactly `count` tokens, one piece a token. Strings grow to fill it; where none may, tokens without text
 * follow. A count below the sample's least cuts the text: it is then no JSON, as a real answer that ran into
 * `max_tokens` is none.
 */
export function jsonPieces(
  { parts, leastTokens }: JsonSample,
  count: number,
  words: readonly string[],
  uniform: () => number,
): string[] {
  const prose = parts.filter((part): part is Prose => typeof part !== 'string');
  const more = share(count - leastTokens, prose);
  const text = parts
    .map((part) =>
      typeof part === 'string' ? part : replyPieces(words, part.tokens + (more.get(part) ?? 0), uniform).join(''),
    )
    .join('');
  return fitPieces(tokenPieces(text), count);
}

/** Deals tokens out to the places that have room, as evenly as it goes. */
function share(tokens: number, places: readonly Prose[]): Map<Prose, number> {
  const dealt = new Map<Prose, number>();
  const room = (place: Prose): number => place.most - place.tokens - (dealt.get(place) ?? 0);
  let left = tokens;
  let open = places.filter((place) => room(place) > 0);
  while (left > 0 && open.length > 0) {
    const each = Math.max(1, Math.floor(left / open.length));
    for (const place of open) {
      const given = Math.min(each, left, room(place));
      dealt.set(place, (dealt.get(place) ?? 0) + given);
      left -= given;
    }
    open = open.filter((place) => room(place) > 0);
  }
  return dealt;
}
