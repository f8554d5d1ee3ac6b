/** Every token of every answer takes so long, and so does a prompt. */
export const STEP_MS = 20;
/** Of an answer that no limit cuts. */
export const REPLY_TOKENS = 20;
export const MODEL = 'qwen3-8b';
/** What is sent by default; two words, a message's frame of 4, and 3 to prime the reply. */
export const HELLO = 'Hello there';
export const HELLO_TOKENS = 9;

/** What a case changes of the world. */
export interface World {
  readonly instances?: number;
  /** Of an answer that no limit cuts. */
  readonly replyTokens?: number;
  readonly timeline?: readonly object[];
  /** Of the service. */
  readonly service?: object;
  /** Of the deployment. */
  readonly deployment?: object;
  /** Of its only unit. */
  readonly unit?: object;
  /** Of the whole scenario. */
  readonly more?: object;
}

/** One service of one deployment whose pods answer at an even pace. Its timeline begins when it is served. */
export function scenario(world: World = {}): object {
  const {
    instances = 1,
    replyTokens = REPLY_TOKENS,
    timeline = [],
    service = {},
    deployment = {},
    unit = {},
    more = {},
  } = world;
  const even = { medianMs: STEP_MS, sigma: 0 };
  return {
    inferlab: 1,
    name: 'conformance',
    seed: 7,
    duration: '1h',
    pools: [{ name: 'npu', nodes: [{ flavor: 'snt9b-8', count: 1 }] }],
    services: [
      {
        name: 'chat',
        replies: { output: { kind: 'fixed', tokens: replyTokens } },
        deployments: [
          {
            name: 'main',
            pool: 'npu',
            instances,
            units: [
              {
                name: 'role-0',
                model: MODEL,
                engine: { maxModelLen: 8192, stepTime: { kind: 'distribution', prefill: even, decode: even } },
                ...unit,
              },
            ],
            ...deployment,
          },
        ],
        ...service,
      },
    ],
    timeline,
    ...more,
  };
}

/** The pod of an instance, as the timeline names it. */
export function pod(instance = 0): object {
  return { service: 'chat', deployment: 'main', instance };
}
