import { HELLO } from '../support/scenario.ts';
import type { Endpoint } from '../support/simulator.ts';

/** One chat completion, as a user of any client would ask for it. */
export interface Ask extends Endpoint {
  readonly content?: string;
  readonly stream?: boolean;
  readonly maxTokens?: number;
  /** The client's own; its default otherwise. */
  readonly retries?: number;
  /** The client's own timeout. */
  readonly timeoutMs?: number;
  /** The caller leaves after so many pieces of text. */
  readonly leaveAfter?: number;
  /** The caller leaves after so long. */
  readonly leaveAfterMs?: number;
  /** Sent along with what the client sends by itself. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A function that the model has to call. */
  readonly tool?: Tool;
  /** What the answer has to be, where the client can ask for such a thing. */
  readonly schema?: object;
}

/** A function as a client offers it. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  /** The JSON schema of its arguments. */
  readonly parameters: object;
}

/** What came of it. */
export interface Outcome {
  readonly text: string;
  /** Pieces of text, as they came; one where the answer came whole. */
  readonly pieces: number;
  readonly finishReason: string | null;
  readonly usage: { readonly prompt: number; readonly completion: number } | null;
  /** Functions that the model calls, with their arguments as the client hands them on. */
  readonly calls: readonly { readonly name: string; readonly input: unknown }[];
  /** Whatever the client raised or reported. */
  readonly error: { readonly name: string; readonly status: number | null; readonly message: string } | null;
}

/** A real client, unmodified. */
export interface Client {
  readonly name: string;
  /** Takes as long as it takes; what follows is quick. */
  open?(): Promise<void>;
  ask(ask: Ask): Promise<Outcome>;
  /** The vectors of some texts; absent where the client has no such call. */
  embed?(endpoint: Endpoint, texts: readonly string[]): Promise<readonly (readonly number[])[]>;
  /** Answers in the form of a JSON schema can be asked for. */
  readonly schemas?: boolean;
  /** Its messages are Anthropic's. */
  readonly anthropic?: boolean;
  close?(): void;
}

/** Gathers an answer in the order in which a client tells it. */
export class Gathering {
  text = '';
  pieces = 0;
  finishReason: string | null = null;
  usage: Outcome['usage'] = null;
  calls: { name: string; input: unknown }[] = [];
  error: Outcome['error'] = null;

  piece(text: string | null | undefined): void {
    if (text === undefined || text === null || text === '') return;
    this.text += text;
    this.pieces++;
  }

  /** @param input as text, or read already */
  calledBack(name: string, input: unknown): void {
    this.calls.push({ name, input: typeof input === 'string' ? JSON.parse(input) : input });
  }

  failed(error: unknown): void {
    const { name, status, statusCode, message } = error as Error & { status?: number; statusCode?: number };
    const own = (error as object).constructor.name;
    this.error = { name: own === 'Error' ? name : own, status: status ?? statusCode ?? null, message };
  }
}

export function prompt({ content = HELLO }: Ask): { role: 'user'; content: string }[] {
  return [{ role: 'user', content }];
}

/** What ends a request from outside the client. */
export function leaving({ leaveAfterMs }: Ask): AbortController {
  const controller = new AbortController();
  if (leaveAfterMs !== undefined) setTimeout(() => controller.abort(), leaveAfterMs).unref();
  return controller;
}
