/**
 * A deterministic stand-in for a model's tokenizer. It approximates byte-pair encoding, which on English prose gives
 * about four characters a token (this rule: about five). It depends on no vocabulary, so that the same text counts
 * the same everywhere.
 *
 * - a run of letters: one token per 8 letters, rounded up; one space right before it belongs to it
 * - a run of digits: one per 3, rounded up
 * - a Han, Hiragana, Katakana or Hangul character: one
 * - any other visible character (an emoji too): one
 * - a run of any other white space: one
 */

const LETTERS_PER_TOKEN = 8;
const DIGITS_PER_TOKEN = 3;

const Kind = { mark: 0, letter: 1, digit: 2, space: 3, lowSurrogate: 4 } as const;

const SPACE = 0x20;

/** Where each kind stands among the code units; what no pattern finds is a mark, and a later pattern prevails. */
const PATTERNS: readonly (readonly [number, RegExp])[] = [
  [Kind.letter, /[\p{L}\p{M}]+/gu],
  [Kind.mark, /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+/gu],
  [Kind.digit, /\p{N}+/gu],
  [Kind.space, /\s+/g],
  [Kind.lowSurrogate, /[\uDC00-\uDFFF]+/g],
];

/** The kind of every UTF-16 code unit: one look-up a character keeps a 50 MB prompt linear and quick. */
const KINDS: Uint8Array = tabulateKinds();

function tabulateKinds(): Uint8Array {
  const kinds = new Uint8Array(0x10000).fill(Kind.mark);
  const units = Array.from(kinds, (_, code) => String.fromCharCode(code)).join('');
  for (const [kind, pattern] of PATTERNS) {
    for (const { 0: run, index } of units.matchAll(pattern)) kinds.fill(kind, index, index + run.length);
  }
  return kinds;
}

/** How many tokens a text counts, in time linear in its length. The empty text counts none. */
export function countTokens(text: string): number {
  return scan(text, Number.POSITIVE_INFINITY, []);
}

/** Where every `every`-th token of a text ends, as indexes into it; time linear in the text. */
export function tokenCuts(text: string, every: number): number[] {
  const cuts: number[] = [];
  const tokens = scan(text, every, cuts);
  if (tokens >= (cuts.length + 1) * every) cuts.push(text.length);
  return cuts;
}

/** Counts the tokens of a text, and notes where every `every`-th of them ends when another follows. */
function scan(text: string, every: number, cuts: number[]): number {
  let before = 0;
  let kind: number = Kind.mark;
  let run = 0;
  for (let at = 0; at < text.length; at++) {
    const next = KINDS[text.charCodeAt(at)] as number;
    if (next !== kind) {
      const joins = next === Kind.letter && kind === Kind.space && text.charCodeAt(at - 1) === SPACE;
      // A pair of surrogates is one character, counted at its first half: the second half ends a run of one mark.
      const pairs = next === Kind.lowSurrogate && isHighSurrogate(text, at - 1);
      before += tokensOfRun(kind, joins ? run - 1 : run);
      kind = next;
      run = pairs ? 0 : 1;
    } else run++;
    // The token that this character begins is one too many for the unit: the unit ends right before it.
    if (every !== Number.POSITIVE_INFINITY && before + tokensOfRun(kind, run) > (cuts.length + 1) * every)
      cuts.push(at);
  }
  return before + tokensOfRun(kind, run);
}

function tokensOfRun(kind: number, length: number): number {
  switch (kind) {
    case Kind.letter:
      return Math.ceil(length / LETTERS_PER_TOKEN);
    case Kind.digit:
      return Math.ceil(length / DIGITS_PER_TOKEN);
    case Kind.space:
      return length > 0 ? 1 : 0;
    default:
      return length;
  }
}

function isHighSurrogate(text: string, at: number): boolean {
  return at >= 0 && (text.charCodeAt(at) & 0xfc00) === 0xd800;
}

/** How many tokens a prompt counts: a text by the rule above, token ids one each. */
export function countPromptTokens(prompt: string | readonly number[]): number {
  return typeof prompt === 'string' ? countTokens(prompt) : prompt.length;
}

/** What a chat template adds: each message's frame (3) and role (1), and the opening of the reply (3). */
const TOKENS_PER_MESSAGE = 4;
const TOKENS_TO_PRIME_REPLY = 3;

/**
 * How many tokens a conversation counts with its chat template's overhead: 4 a message and 3 to prime the reply.
 * Source: OpenAI cookbook, "How to count tokens with tiktoken", section on chat messages.
 */
export function countChatTokens(messages: readonly { readonly text: string }[]): number {
  return messages.reduce((sum, { text }) => sum + TOKENS_PER_MESSAGE + countTokens(text), TOKENS_TO_PRIME_REPLY);
}
