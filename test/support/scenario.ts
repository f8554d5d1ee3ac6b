/** A scenario object: one service "chat" of Qwen3-8B on one Ascend node; answers are always 20 tokens long. */
export function scenario(overrides: object = {}, instances = 2): object {
  return {
    inferlab: 1,
    name: 'test',
    seed: 7,
    pools: [{ name: 'npu', nodes: [{ flavor: 'snt9b-8', count: 1 }] }],
    services: [chatService('chat', instances)],
    ...overrides,
  };
}

export function chatService(name: string, instances: number): object {
  return {
    name,
    replies: { output: { kind: 'fixed', tokens: 20 } },
    deployments: [
      {
        name: 'main',
        pool: 'npu',
        instances,
        units: [{ model: 'qwen3-8b', engine: { maxModelLen: 4096 } }],
      },
    ],
  };
}
