import { AI_SDK } from './ai-sdk.ts';
import { ANTHROPIC } from './anthropic.ts';
import type { Client } from './client.ts';
import { LANGCHAIN } from './langchain.ts';
import { OPENAI_CLIENTS } from './openai.ts';
import { PYTHON_CLIENTS } from './python.ts';

export type { Ask, Client, Outcome, Tool } from './client.ts';

/** Every client that asks for chat completions, or Anthropic's for messages; undefined where this machine does not have it. */
export const CLIENTS: readonly { readonly name: string; readonly client: Client | undefined }[] = [
  ...[...OPENAI_CLIENTS, AI_SDK, LANGCHAIN, ANTHROPIC].map((client) => ({ name: client.name, client })),
  ...PYTHON_CLIENTS,
];
