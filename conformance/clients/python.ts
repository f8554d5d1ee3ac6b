import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HERE, python } from '../support/needs.ts';
import type { Endpoint } from '../support/simulator.ts';
import type { Ask, Client, Outcome } from './client.ts';

/** A Python process that imports its client once, then takes a request a line and answers with its outcome. */
class PythonClient implements Client {
  readonly name: string;
  readonly schemas = true;
  readonly #interpreter: string;
  readonly #script: string;
  #child: ChildProcessWithoutNullStreams | undefined;
  #lines: AsyncIterator<string> | undefined;

  constructor(name: string, interpreter: string, script: string) {
    this.name = name;
    this.#interpreter = interpreter;
    this.#script = script;
  }

  async open(): Promise<void> {
    if (this.#child !== undefined) return;
    const child = spawn(this.#interpreter, ['-u', join(HERE, 'clients', this.#script)]);
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2_000)));
    child.once('exit', (code) => {
      if (code !== 0 && code !== null) console.error(`${this.name} ended with ${code}: ${errors}`);
    });
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    await this.#line();
  }

  async ask(ask: Ask): Promise<Outcome> {
    await this.open();
    this.#child!.stdin.write(`${JSON.stringify(ask)}\n`);
    return JSON.parse(await this.#line()) as Outcome;
  }

  async embed(endpoint: Endpoint, texts: readonly string[]): Promise<readonly (readonly number[])[]> {
    await this.open();
    this.#child!.stdin.write(`${JSON.stringify({ ...endpoint, texts })}\n`);
    const { vectors, error } = JSON.parse(await this.#line()) as Outcome & { vectors?: number[][] };
    if (vectors === undefined) throw new Error(error?.message);
    return vectors;
  }

  close(): void {
    // It may be waiting for something.
    this.#child?.kill();
    this.#child = undefined;
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines!.next();
    if (done === true) throw new Error(`${this.name} has gone`);
    return value as string;
  }
}

/** The Python clients that this machine has, by name and environment. */
const SCRIPTS = [
  { name: 'Python openai', environment: 'openai', script: 'openai_client.py' },
  { name: 'LiteLLM', environment: 'litellm', script: 'litellm_client.py' },
] as const;

export const PYTHON_CLIENTS: readonly { readonly name: string; readonly client: Client | undefined }[] = SCRIPTS.map(
  ({ name, environment, script }) => {
    const interpreter = python(environment, 'python');
    return { name, client: interpreter === undefined ? undefined : new PythonClient(name, interpreter, script) };
  },
);
