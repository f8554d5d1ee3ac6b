import { expect, test } from 'vitest';
import { inferlab } from '../support/cli.ts';

test('pods that say the same are one line, and how it ended is among what is shown', async () => {
  const settings = ['services.chat.deployments.main.instances=20', 'services.chat.deployments.main.deployTimeout=3m'];
  const { code, stdout } = await inferlab([
    'run',
    'scenarios/quickstart.yaml',
    ...settings.flatMap((each) => ['--set', each]),
  ]);
  expect(code).toBe(1);
  const events = stdout.slice(stdout.indexOf('\nevents\n')).split('\n').slice(2);
  const waiting = events.filter((line) => line.includes('cannot be scheduled'));
  expect(waiting).toHaveLength(1);
  expect(waiting[0]).toMatch(/chat-main-\d+-\S+ and 11 more {2}.* 1 insufficient accelerators\. \(x\d+\)$/);
  expect(stdout).toMatch(/Service status transitioned from DEPLOYING to FAILED; .* within 3 minutes\.\n\ntrace/);
});
