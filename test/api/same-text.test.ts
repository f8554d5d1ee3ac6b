import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { DataPlane, type Delivery, type Exchange } from '../../src/api/index.ts';
import { loadScenarioText } from '../../src/files/index.ts';
import { type Micros, NEVER } from '../../src/kernel/index.ts';
import { type Command, Session, World } from '../../src/lab/index.ts';
import { scenario } from '../support/scenario.ts';

const SLOT = 'chat/main/0';
const SCHEMA = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer' } }, required: ['a', 'b'] };
const TOOL = { type: 'function', function: { name: 'look_up', parameters: SCHEMA } };

/** A settled world, and what enters it. */
class Asked {
  readonly commands: Command[] = [];
  readonly world: World;
  readonly #plane: DataPlane;

  constructor() {
    const { description } = loadScenarioText(JSON.stringify(scenario({}, 1)), 'scenario', {}, String);
    this.world = new World(description);
    this.world.runUntilSettled();
    const now = (): Micros => this.world.now;
    this.#plane = new DataPlane(new Session(this.world, now, ({ command }) => this.commands.push(command)));
  }

  /** All that comes back. */
  body(path: string, body: object): string {
    const request = {
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
    };
    return bodyOf(this.world, this.#plane.handle(request, { slot: SLOT }));
  }
}

function bodyOf(world: World, exchange: Exchange): string {
  let text = '';
  for (let over = false; !over; ) {
    const due = exchange.pull(world.now);
    text += due.map((delivery: Delivery) => (delivery.kind === 'body' ? delivery.data : '')).join('');
    over = due.some(({ kind }) => kind === 'end' || kind === 'cut');
    const next = Math.min(exchange.nextDue(), world.kernel.nextAt()) as Micros;
    if (!over && next === NEVER) throw new Error('Nothing more comes');
    if (!over) world.runUntil(next);
  }
  return text;
}

interface Piece {
  readonly type?: string;
  readonly delta?: string | { readonly text?: string };
  readonly choices?: readonly {
    readonly index: number;
    readonly text?: string;
    readonly delta?: {
      readonly content?: string;
      readonly tool_calls?: readonly { readonly function: { readonly arguments: string } }[];
    };
  }[];
}

/** What a stream says, by choice: text and arguments of calls. */
function streamed(text: string): string[] {
  const said: string[] = [];
  const data = text.split('\n').filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]');
  for (const line of data) {
    const { type, delta, choices } = JSON.parse(line.slice('data: '.length)) as Piece;
    if (type === 'response.output_text.delta') said[0] = (said[0] ?? '') + (delta as string);
    if (type === 'content_block_delta') said[0] = (said[0] ?? '') + ((delta as { text?: string }).text ?? '');
    for (const choice of choices ?? []) {
      const calls = choice.delta?.tool_calls?.map((call) => call.function.arguments).join('') ?? '';
      said[choice.index] = (said[choice.index] ?? '') + (choice.text ?? choice.delta?.content ?? '') + calls;
    }
  }
  return said;
}

const OPERATIONS = {
  '/v1/chat/completions': {
    asks: { messages: [{ role: 'user', content: 'Hello' }] },
    said: ({
      choices,
    }: {
      choices: { message: { content: string | null; tool_calls?: { function: { arguments: string } }[] } }[];
    }) =>
      choices.map(({ message: { content, tool_calls = [] } }) =>
        [content ?? '', ...tool_calls.map((call) => call.function.arguments)].join(''),
      ),
  },
  '/v1/completions': {
    asks: { prompt: ['Hello', 'there'], echo: true },
    said: ({ choices }: { choices: { text: string }[] }) => choices.map(({ text }) => text),
  },
  '/v1/messages': {
    asks: { model: 'qwen3-8b', messages: [{ role: 'user', content: 'Hello' }] },
    said: ({ content }: { content: { text: string }[] }) => [content.map(({ text }) => text).join('')],
  },
  '/v1/responses': {
    asks: { input: 'Hello' },
    said: ({ output }: { output: { content: { text: string }[] }[] }) => [output[0]!.content[0]!.text],
  },
} as const;

const paths = fc.constantFrom(...(Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[]));
const limits = fc.record({ max_tokens: fc.integer({ min: 1, max: 40 }), n: fc.integer({ min: 1, max: 3 }) });
const forms = fc.constantFrom(
  {},
  { stop: ['e', ' the'] },
  { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: SCHEMA } } },
  { tools: [TOOL], tool_choice: 'required' },
);

describe('what an answer says', () => {
  let asked: Asked;
  beforeAll(() => {
    asked = new Asked();
  });

  test('is the same whole and streamed, for the same seed', () => {
    fc.assert(
      fc.property(paths, limits, forms, fc.integer(), (path, limit, form, seed) => {
        const own = path === '/v1/chat/completions' ? form : {};
        const body = { ...OPERATIONS[path].asks, ...limit, max_output_tokens: limit.max_tokens, ...own, seed };
        const whole = OPERATIONS[path].said(JSON.parse(asked.body(path, body)));
        expect(streamed(asked.body(path, { ...body, stream: true }))).toEqual(whole);
      }),
      { numRuns: 150 },
    );
    asked.world.check();
  });

  test('is the same whole and streamed, for the same number of the request', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), forms, (before, form) => {
        const body = { ...OPERATIONS['/v1/chat/completions'].asks, ...form, n: 2 };
        const ask = (last: object): string => {
          const own = new Asked();
          for (let request = 0; request < before; request++) own.body('/v1/chat/completions', body);
          return own.body('/v1/chat/completions', last);
        };
        const whole = OPERATIONS['/v1/chat/completions'].said(JSON.parse(ask(body)));
        expect(streamed(ask({ ...body, stream: true }))).toEqual(whole);
      }),
      { numRuns: 8 },
    );
  });

  test('is in no command that enters the world: those hold counts and digests', () => {
    const secret = 'a-word-of-the-client';
    asked.body('/v1/chat/completions', { messages: [{ role: 'user', content: secret }], n: 2, stop: [secret] });
    asked.body('/v1/embeddings', { input: [secret, 'other'] });
    expect(JSON.stringify(asked.commands)).not.toContain(secret);
    expect(asked.commands.at(-1)).toMatchObject({ call: { pooling: true, prompts: [{ tokens: 9 }, { tokens: 1 }] } });
  });
});
