import { KvLinkRoom, type KvLinkSpec } from '../../src/engine/index.ts';
import { Kernel, micros, Priority } from '../../src/kernel/index.ts';

/** What happens to a link. Moments are µs. */
export interface LinkStory {
  readonly spec: KvLinkSpec;
  readonly sends: readonly { readonly at: number; readonly bytes: number }[];
  readonly slows?: readonly { readonly at: number; readonly factor: number }[];
  readonly breaks?: readonly { readonly at: number; readonly broken: boolean }[];
}

/** What each transfer was told, in order, and when. */
export type Told = { readonly at: number; readonly arrived: boolean }[];

/** Lives a story through. At one instant transfers begin before the link changes. */
export function runLink({ spec, sends, slows = [], breaks = [] }: LinkStory): {
  readonly told: readonly Told[];
  readonly open: number;
} {
  const kernel = new Kernel(1);
  const link = new KvLinkRoom(kernel).open(spec);
  const told: Told[] = sends.map(() => []);
  const send = kernel.kind('test/send', Priority.arrival, (index) =>
    link.send(sends[index]!.bytes, (arrived) => told[index]!.push({ at: kernel.now, arrived })),
  );
  const slow = kernel.kind('test/slow', Priority.script, (_, factor) => link.slowDown(factor));
  const change = kernel.kind('test/break', Priority.script, (_, broken) => link.setBroken(broken === 1));
  for (const [index, { at }] of sends.entries()) kernel.schedule(send, micros(at), index);
  for (const { at, factor } of slows) kernel.schedule(slow, micros(at), 0, factor);
  for (const { at, broken } of breaks) kernel.schedule(change, micros(at), 0, Number(broken));
  while (kernel.step());
  return { told, open: link.open };
}

/**
 * When each of the transfers ends that share a link evenly, as a fluid and with nothing rounded: written down plainly,
 * from the definition.
 */
export function fluid({ spec, sends, slows = [] }: LinkStory): number[] {
  const ends = sends.map(() => Number.NaN);
  const left = sends.map(({ bytes }) => bytes);
  const begins = sends.map(({ at }) => at + spec.setupMicros);
  const changes = [...begins, ...slows.map(({ at }) => at)];
  let now = 0;
  let factor = 1;
  for (;;) {
    const open = sends.map((_, index) => index).filter((index) => Number.isNaN(ends[index]));
    if (open.length === 0) return ends;
    factor = slows.filter(({ at }) => at <= now).at(-1)?.factor ?? 1;
    const moving = open.filter((index) => begins[index]! <= now);
    const rate = spec.bytesPerSecond / 1e6 / factor / Math.max(1, moving.length);
    const nextChange = Math.min(...changes.filter((at) => at > now));
    const nextEnd = now + Math.min(...moving.map((index) => left[index]! / rate));
    const next = Math.min(nextChange, nextEnd);
    for (const index of moving) {
      if (nextEnd <= nextChange && now + left[index]! / rate <= nextEnd + 1e-9) ends[index] = nextEnd;
      left[index]! -= (next - now) * rate;
    }
    now = next;
  }
}
