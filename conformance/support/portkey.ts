import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Running, run } from './process.ts';

const SERVER = join(
  dirname(createRequire(import.meta.url).resolve('@portkey-ai/gateway/package.json')),
  'build/start-server.js',
);

/** Starts Portkey's gateway; where it passes a request on to says a header of the request. */
export function portkey(): Promise<Running> {
  return run({ command: process.execPath, args: (port) => [SERVER, '--headless', `--port=${port}`] });
}

/** A backend as Portkey's configuration names it. @param baseURL ends with the version of the API */
export function portkeyTarget(baseURL: string, apiKey = 'none', more: object = {}): object {
  return { provider: 'openai', api_key: apiKey, custom_host: baseURL, ...more };
}

/** The header that sends a request to a pod. */
export function portkeyHeaders(podUrl: string): Readonly<Record<string, string>> {
  return { 'x-portkey-config': JSON.stringify(portkeyTarget(`${podUrl}/v1`)) };
}
