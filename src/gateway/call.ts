import type { GatewayErrorKey } from '../protocol/index.ts';
import type { PromptPrefix } from '../workload/index.ts';

/** What the simulation needs to know of a client's request: counts and digests, never a text or a credential. */
export interface Call {
  /** The service called through the gateway, or the slot of the pod called at its own endpoint. */
  readonly to: { readonly service: string } | { readonly slot: string };
  /** Digest of the API key that came with it; null when none did. */
  readonly key: string | null;
  readonly promptTokens: number;
  /** The most tokens that the client wants. */
  readonly maxTokens?: number;
  readonly minTokens?: number;
  /** Generate `maxTokens` tokens whatever comes. */
  readonly ignoreEos?: boolean;
  /** What the prompt may share with others, where its service caches prefixes. */
  readonly prefix?: PromptPrefix;
  /** Lower is served first, where the engine schedules by priority. */
  readonly priority?: number;
  /** The model that the client names. */
  readonly model?: string;
  /** The request breaks a rule of the wire format: the backend answers with this status. */
  readonly invalid?: number;
}

/** Why a request got no answer, and who says so. */
export type Refusal =
  | {
      readonly by: 'gateway';
      readonly error: GatewayErrorKey;
      readonly status: number;
      readonly retryAfterSeconds?: number;
    }
  /** The engine's own refusal. */
  | {
      readonly by: 'engine';
      readonly error: 'invalid' | 'unknown-model' | 'context-length';
      readonly status: number;
      readonly maxModelLen: number;
    }
  /** Nobody listens at the pod's port. */
  | { readonly by: 'network'; readonly error: 'connection-refused'; readonly status: 0 };
