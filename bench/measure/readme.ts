import { inferlab } from '../support/cli.ts';
import { README } from '../support/readme.ts';

const COMMAND = '$ npx inferlab run scenarios/azure-conversation-910b.yaml\n';

/** Lines of the verdict in the README that the command beside it prints otherwise, its wall time apart. */
export async function readmeLinesThatDiffer(): Promise<number> {
  const [, shown] = README.split(COMMAND);
  if (shown === undefined) throw new Error(`README.md does not show ${COMMAND.trim()}`);
  const expected = timeless(shown.slice(0, shown.indexOf('\n```')));
  const printed = timeless((await inferlab(['run', 'scenarios/azure-conversation-910b.yaml'])).stdout.trimEnd());
  const lines = Array.from({ length: Math.max(expected.length, printed.length) });
  return lines.filter((_, index) => !isShown(expected[index] ?? '', printed[index] ?? '')).length;
}

/** The README may cut a long line short. */
function isShown(expected: string, printed: string): boolean {
  return expected.endsWith('…') ? printed.startsWith(expected.slice(0, -1)) : expected === printed;
}

function timeless(text: string): string[] {
  return text.replace(/ in [\d.]+ s;/, '').split('\n');
}
