import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { scenario, type World } from './scenario.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Where an OpenAI client goes. */
export interface Endpoint {
  readonly baseURL: string;
  readonly apiKey: string;
  readonly model: string;
}

/** A command of the journal: what came in, and when. */
export interface Entry {
  /** Microseconds of simulated time. */
  readonly at: number;
  readonly command: {
    readonly kind: string;
    readonly call?: {
      readonly to: { readonly service?: string; readonly slot?: string };
      readonly key: string | null;
      readonly promptTokens: number;
      readonly maxTokens?: number;
      readonly invalid?: number;
      readonly pooling?: boolean;
    };
  };
}

/** What these cases read of a line of `--requests FILE`. */
export interface RequestLine {
  readonly outcome: string;
  readonly status: number;
  readonly outputTokens: number;
  readonly arrivedMicros: number;
  readonly firstTokenMicros: number;
  readonly endedMicros: number;
}

interface Addresses {
  readonly gateway: string;
  readonly services: readonly { readonly url: string; readonly apiKey: string; readonly model: string }[];
  readonly pods: readonly { readonly name: string; readonly url: string }[];
}

/** A live `inferlab serve`, and its journal. */
export class Simulator {
  readonly addresses: Addresses;
  readonly #child: ChildProcess;
  readonly #folder: string;
  #read = 0;

  private constructor(addresses: Addresses, child: ChildProcess, folder: string) {
    this.addresses = addresses;
    this.#child = child;
    this.#folder = folder;
  }

  static async start(world: World = {}, options: readonly string[] = []): Promise<Simulator> {
    const folder = mkdtempSync(join(tmpdir(), 'inferlab-conformance-'));
    const file = join(folder, 'scenario.yaml');
    writeFileSync(file, JSON.stringify(scenario(world)));
    const outputs = ['--journal', join(folder, 'journal'), '--requests', join(folder, 'requests')];
    const child = spawn(process.execPath, [MAIN, 'serve', file, '--json', ...outputs, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const line = await new Promise<string>((resolve, reject) => {
      createInterface(child.stdout).once('line', resolve);
      child.once('exit', (code) => reject(new Error(`inferlab serve ended with ${code}: ${errors}`)));
    });
    return new Simulator(JSON.parse(line) as Addresses, child, folder);
  }

  /** The service at the platform's gateway. */
  get gateway(): Endpoint {
    const { url, apiKey, model } = this.addresses.services[0]!;
    return { baseURL: `${url}/v1`, apiKey, model };
  }

  /** The address of a pod. */
  pod(instance: number): string {
    return this.addresses.pods[instance]!.url;
  }

  /** Of the journal, what was written since this was last called. */
  journal(): Entry[] {
    const lines = readFileSync(join(this.#folder, 'journal'), 'utf8').trimEnd().split('\n').slice(1);
    const fresh = lines.slice(this.#read).map((line) => JSON.parse(line) as Entry);
    this.#read = lines.length;
    return fresh.filter(({ command }) => command !== undefined);
  }

  /** The calls and disconnects of {@link journal}, in order, by their kind. */
  kinds(): string[] {
    return this.journal().map(({ command }) => command.kind);
  }

  /** A figure of a pod's `/metrics`. */
  async metric(name: string, instance = 0): Promise<number> {
    const text = await (await fetch(`${this.pod(instance)}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    if (lines.length === 0) throw new Error(`No metric ${name}`);
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** Waits until no pod computes anything. */
  async idle(): Promise<void> {
    for (const instance of this.addresses.pods.keys()) {
      await until(async () => (await this.metric('vllm:num_requests_running', instance)) === 0);
    }
  }

  /** Ends the session. Every request that it had, in order. */
  async stop(): Promise<RequestLine[]> {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    const closed = this.#child.exitCode !== null;
    this.#child.kill('SIGTERM');
    const again = setTimeout(() => this.#child.kill('SIGTERM'), 2_000);
    if (!closed) await exited;
    clearTimeout(again);
    const text = readFileSync(join(this.#folder, 'requests'), 'utf8').trimEnd();
    rmSync(this.#folder, { recursive: true, force: true });
    return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as RequestLine);
  }
}

/** A live world for one case; ended after it, however that went. What it leaves are the lines of its requests. */
export async function withSimulator(
  world: World,
  body: (simulator: Simulator) => Promise<void>,
  options: readonly string[] = [],
): Promise<RequestLine[]> {
  const simulator = await Simulator.start(world, options);
  let failed = true;
  try {
    await body(simulator);
    failed = false;
    return await simulator.stop();
  } finally {
    if (failed) await simulator.stop().catch(() => []);
  }
}

/** Milliseconds between each entry and the one before it. */
export function gapsMs(entries: readonly Entry[]): number[] {
  return entries.slice(1).map(({ at }, index) => (at - entries[index]!.at) / 1_000);
}
