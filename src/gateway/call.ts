import type { ApplicationAsk, Service, SloClass, UnitReplica } from '../platform/index.ts';
import { GATEWAY_ERRORS, type GatewayErrorKey } from '../protocol/index.ts';
import type { PromptPrefix } from '../workload/index.ts';
import type { RoutedRequest } from './routing/index.ts';

/** One of the prompts of a call. */
export interface CallPrompt {
  readonly tokens: number;
  readonly prefix?: PromptPrefix | undefined;
}

/**
 * What the simulation needs to know of a client's request: counts and digests, never a text or a credential. What is
 * undefined is as good as absent, in a journal too.
 */
export interface Call {
  /** The service called through the gateway, or the slot of the pod called at its own endpoint. */
  readonly to: { readonly service: string } | { readonly slot: string };
  /** The connection that it came over, by number: it goes where that goes, and nothing is proved again. */
  readonly connection?: number | undefined;
  /** Digest of the API key that came with it; null when none did. */
  readonly key: string | null;
  /** Digest of the IAM token that came with it. */
  readonly token?: string | undefined;
  /** Where it comes from. */
  readonly clientIp?: string | undefined;
  /** The private connection over which it came in; absent: it came over the public network. */
  readonly privateConnection?: string | undefined;
  /** Its body as it came. */
  readonly bodyBytes?: number | undefined;
  /** Default: its service's. */
  readonly sloClass?: SloClass | undefined;
  /** Its client gets the answer piece by piece; default true. */
  readonly streamed?: boolean | undefined;
  /** Of all prompts together. */
  readonly promptTokens: number;
  /** Each prompt, where there are several. */
  readonly prompts?: readonly CallPrompt[] | undefined;
  /** Answers to each prompt; default 1. */
  readonly n?: number | undefined;
  /** The fewest tokens with which each answer is whole, where its form asks for some; those to one prompt together. */
  readonly leastTokens?: readonly number[] | undefined;
  /** Only the prompts are to be computed, as for an embedding: nothing is generated. */
  readonly pooling?: true | undefined;
  /** The most tokens that the client wants. */
  readonly maxTokens?: number | undefined;
  readonly minTokens?: number | undefined;
  /** Generate `maxTokens` tokens whatever comes. */
  readonly ignoreEos?: boolean | undefined;
  /** What the prompt may share with others, where its service caches prefixes. */
  readonly prefix?: PromptPrefix | undefined;
  /** Lower is served first, where the engine schedules by priority. */
  readonly priority?: number | undefined;
  /** The model that the client names. */
  readonly model?: string | undefined;
  /** What it asks of an application. */
  readonly application?: ApplicationAsk | undefined;
  /** The request breaks a rule of the wire format: the backend answers with this status. */
  readonly invalid?: number | undefined;
}

/** What is asked of a service through the gateway that is no work of an engine's. */
export interface Question extends Pick<Call, 'key' | 'token' | 'clientIp' | 'privateConnection' | 'bodyBytes'> {
  readonly service: string;
}

/** Why a request got no answer, and who says so. */
export type Refusal =
  | {
      readonly by: 'gateway';
      readonly error: GatewayErrorKey;
      readonly status: number;
      readonly retryAfterSeconds?: number;
      /** What follows the message. */
      readonly detail?: string;
    }
  /** The engine's own refusal. */
  | {
      readonly by: 'engine';
      readonly error: 'invalid' | 'unknown-model' | 'context-length' | 'overloaded';
      readonly status: number;
      readonly maxModelLen: number;
    }
  /** Nobody listens at the pod's port. */
  | { readonly by: 'network'; readonly error: 'connection-refused'; readonly status: 0 };

/** The answer of a port where nobody listens: none. */
export const CONNECTION_REFUSED = { by: 'network', error: 'connection-refused', status: 0 } as const satisfies Refusal;

export function gatewayRefusal(error: GatewayErrorKey): Refusal & { readonly by: 'gateway' } {
  return { by: 'gateway', error, status: GATEWAY_ERRORS[error].status };
}

export function isRefusal(target: UnitReplica | Refusal): target is Refusal {
  return 'by' in target;
}

/** What policies may know of a call. */
export function routedCall(
  { clientIp, sloClass, prefix, prompts, promptTokens }: Pick<Call, keyof RoutedRequest | 'prompts'>,
  { spec }: Service,
): RoutedRequest {
  return {
    clientIp,
    sloClass: sloClass ?? spec.sloClass,
    prefix: (prefix ?? prompts?.[0]?.prefix)?.hashes,
    promptTokens,
  };
}
