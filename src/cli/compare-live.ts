import type { Addresses } from '../api/index.ts';
import { readText } from '../files/index.ts';
import { UserError } from '../kernel/index.ts';
import { fetchModels } from '../load/index.ts';
import { chosen } from './compare-lab.ts';
import {
  askAll,
  authorization,
  barsOfKind,
  type ComparedService,
  type Question,
  type Target,
} from './compare-targets.ts';

export interface LiveComparisonOptions {
  /** OpenAI base URLs, each with `#model` where it names one. */
  readonly url?: readonly string[];
  /** What `inferlab serve --json` printed. */
  readonly serve?: string;
  /** The model of URLs that name none. */
  readonly model?: string;
  /** One for each URL in order, or one for all; `-` for none. */
  readonly apiKey?: readonly string[];
  /** The same, by the names of environment variables. */
  readonly apiKeyEnv?: readonly string[];
}

/** A server by its address, before anything is known of it. */
interface Server {
  readonly url: string;
  readonly model: string | undefined;
  readonly apiKey: string;
  /** Why it is not asked at all; null when it is. */
  readonly barred?: string | null;
}

/** Asks servers over sockets. @throws UserError for a bad URL, key or file */
export async function compareLive(
  names: readonly string[] | undefined,
  question: Question,
  options: LiveComparisonOptions,
): Promise<ComparedService[]> {
  const servers = options.serve === undefined ? serversOf(options) : servedBy(options.serve, names);
  const targets = await Promise.all(servers.map(targetOf));
  return askAll(distinct(targets), question, { fetch: globalThis.fetch, now: () => performance.now() });
}

/**
 * Finds out what a server serves. It is asked even when the model is named: that opens the connection, so that no
 * figure holds what connecting takes.
 */
async function targetOf(server: Server & { readonly name?: string }): Promise<Target> {
  const { name, url, model, apiKey, barred = null } = server;
  const headers = authorization(apiKey);
  if (barred !== null) {
    return { name: name ?? '', url, model: model || null, headers, state: null, barred, comparable: false };
  }
  const models = await fetchModels(url, headers, globalThis.fetch);
  const found = model ?? models.names[0];
  const why = models.failure ?? 'it is empty';
  return {
    name: name ?? '',
    url,
    model: found ?? null,
    headers,
    state: null,
    barred: found === undefined ? `no model is named, and its list of models cannot be used: ${why}` : null,
    comparable: true,
  };
}

/** Gives each that has no name the shortest one that tells them apart: its model, with its host, its whole address. */
function distinct(targets: readonly Target[]): Target[] {
  const forms: ((target: Target, index: number) => string)[] = [
    ({ name }) => name,
    ({ model }) => model ?? '',
    ({ model, url }) => `${model ?? 'unknown'} at ${new URL(url).host}`,
    ({ model, url }) => `${model ?? 'unknown'} at ${url}`,
    ({ model, url }, index) => `${index + 1}: ${model ?? 'unknown'} at ${url}`,
  ];
  const tells = (form: (typeof forms)[number]): boolean => {
    const names = targets.map(form);
    return new Set(names).size === names.length && names.every((name) => name !== '');
  };
  const form = forms.find(tells) ?? forms.at(-1)!;
  return targets.map((target, index) => ({ ...target, name: form(target, index) }));
}

function serversOf(options: LiveComparisonOptions): Server[] {
  const urls = options.url ?? [];
  const keys = keysOf(options, urls.length);
  return urls.map((text, index) => {
    const url = urlOf(text);
    const model = decodeURIComponent(url.hash.slice(1)) || options.model;
    url.hash = '';
    return { url: url.href.replace(/\/+$/, ''), model, apiKey: keys[index]! };
  });
}

/** @throws UserError when it is no base URL */
function urlOf(text: string): URL {
  const wrong = (why: string): UserError =>
    new UserError(`"${text}" is no base URL: ${why}; expected one such as http://127.0.0.1:8000/v1#model`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw wrong('it cannot be read');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong(`its protocol is ${url.protocol}`);
  if (url.username !== '' || url.password !== '')
    throw new UserError('a URL holds credentials; expected --api-key-env');
  if (url.search !== '') throw wrong('it has a query');
  return url;
}

function keysOf({ apiKey, apiKeyEnv }: LiveComparisonOptions, servers: number): string[] {
  if (apiKey !== undefined && apiKeyEnv !== undefined) {
    throw new UserError('expected --api-key or --api-key-env, not both');
  }
  const [option, given] = apiKey === undefined ? ['--api-key-env', apiKeyEnv ?? ['-']] : ['--api-key', apiKey];
  if (given.length !== 1 && given.length !== servers) {
    throw new UserError(
      `${option} is given ${given.length} times; expected once for all, or once for each of ${servers} URLs`,
    );
  }
  const keys = apiKey === undefined ? given.map(fromEnvironment) : given.map((key) => (key === '-' ? '' : key));
  return Array.from({ length: servers }, (_, index) => keys[index] ?? keys[0]!);
}

function fromEnvironment(name: string): string {
  if (name === '-') return '';
  const value = process.env[name];
  if (value === undefined || value === '') throw new UserError(`the environment variable "${name}" is not set`);
  return value;
}

/** @throws UserError when it is not what `serve --json` prints */
function servedBy(file: string, names: readonly string[] | undefined): (Server & { readonly name: string })[] {
  const shown = file === '-' ? '<stdin>' : file;
  // The verdict follows the addresses once the session is over.
  const [line = ''] = readText(file === '-' ? 0 : file, shown)
    .trimStart()
    .split('\n', 1);
  const services = addressesIn(line);
  if (services === undefined) throw new UserError(`${shown}: expected what inferlab serve --json prints`);
  return chosen(services, names).map((service) => ({
    name: service.name,
    url: `${service.url}/v1`,
    model: service.model,
    apiKey: service.apiKey ?? '',
    barred: barsOf(service),
  }));
}

/** Why a service that is served is not asked; null when it is. */
function barsOf({ mode, protocols: [protocol] = [], model, auth }: Addresses['services'][number]): string | null {
  const kind = barsOfKind({ mode, protocol: protocol ?? 'HTTP', model: model || null });
  if (kind !== null) return kind;
  return auth === 'token' ? 'it takes IAM tokens; over sockets a comparison shows API keys alone' : null;
}

function addressesIn(line: string): Addresses['services'] | undefined {
  try {
    const { services } = JSON.parse(line) as Partial<Addresses>;
    const sound = services?.every(
      ({ name, url, model }) => typeof name === 'string' && URL.canParse(url) && typeof model === 'string',
    );
    return sound === true ? services : undefined;
  } catch {
    return undefined;
  }
}
