import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { inFolder } from '../support/cli.ts';
import { whileServing } from '../support/live-session.ts';
import { median } from '../support/median.ts';
import { once } from '../support/once.ts';
import { differences, openaiFor, type SimulatedStream, seenStream } from '../support/openai-streams.ts';

const STREAMS = 50;
/** The i-th stream asks for so many tokens and i: five seconds and more, so that all of them overlap. */
const TOKENS = 200;
/**
 * Streams begin this far apart. Sent in one burst they would measure the client's own processor instead: building
 * and sending 50 requests takes one process some 100 ms, and its clock for the last one runs from the start.
 */
const GAP_MS = 40;
const WARMUP_TOKENS = 20;
const SERVE = [
  'scenarios/quickstart.yaml',
  '--no-traffic',
  '--set',
  'services.chat.deployments.main.instances=4',
] as const;

/** Medians of the differences between what 50 concurrent streams over sockets measured and what was simulated. */
export const liveDifferences = once(() =>
  inFolder(async (folder) => {
    const file = join(folder, 'requests.jsonl');
    const { result: seen } = await whileServing([...SERVE, '--requests', file], async (addresses) => {
      const client = openaiFor(addresses);
      const { model } = addresses.services[0]!;
      const round = (tokens: number) =>
        Promise.all(
          Array.from({ length: STREAMS }, async (_, index) => {
            await setTimeout(index * GAP_MS);
            return seenStream(client, model, tokens + index);
          }),
        );
      // Connections are open and code is compiled when it counts, as in any client that has run a while.
      await round(WARMUP_TOKENS);
      return round(TOKENS);
    });
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    const found = differences(
      seen,
      lines.map((line) => JSON.parse(line) as SimulatedStream),
    );
    return { ttftMs: median(found.map((each) => each.ttftMs)), tpotMs: median(found.map((each) => each.tpotMs)) };
  }),
);
