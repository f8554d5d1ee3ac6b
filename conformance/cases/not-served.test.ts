import { describe, test } from 'vitest';

/** Cases that need a server to say what InferLab does not say; each gets its line. */
describe('not served', () => {
  test.for([
    ['Retry-After as a date or in milliseconds', 'the platform sends whole seconds'],
    ['x-should-retry: false', 'neither the platform nor vLLM sends it'],
    [
      'an error in the middle of a stream',
      'no fault makes an engine fail one request; a pod that dies cuts the connection',
    ],
    ['a stream that ends without a finish reason', 'no fault does that'],
    ['kubectl get and watch', 'no Kubernetes API is served'],
    ['AK/SK signatures', 'API keys only'],
    ['WebSocket calls', 'calls are HTTP'],
  ] as const)('%s', ([, reason], { skip }) => skip(reason));
});
