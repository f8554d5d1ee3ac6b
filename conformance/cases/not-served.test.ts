import { describe, test } from 'vitest';

/** Cases that need a server to say what InferLab does not say; each gets its line. */
describe('not served', () => {
  test.for([
    ['kubectl get and watch', 'no Kubernetes API is served'],
    ['AK/SK signatures', 'API keys only'],
  ] as const)('%s', ([, reason], { skip }) => skip(reason));
});
