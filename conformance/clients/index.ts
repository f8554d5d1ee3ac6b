import { AI_SDK } from './ai-sdk.ts';
import type { Client } from './client.ts';
import { LANGCHAIN } from './langchain.ts';
import { OPENAI_CLIENTS } from './openai.ts';
import { PYTHON_CLIENTS } from './python.ts';

export type { Ask, Client, Outcome } from './client.ts';

/** Every client that asks for chat completions; undefined where this machine does not have it. */
export const CLIENTS: readonly { readonly name: string; readonly client: Client | undefined }[] = [
  ...[...OPENAI_CLIENTS, AI_SDK, LANGCHAIN].map((client) => ({ name: client.name, client })),
  ...PYTHON_CLIENTS,
];
