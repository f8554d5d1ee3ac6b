import type { Command } from 'commander';

/** The names that were asked for. @throws when one is not in the table */
export function chosen<Row extends { readonly name: string }>(
  table: readonly Row[],
  only: string | undefined,
): readonly Row[] {
  if (only === undefined) return table;
  const rows = table.filter(({ name }) => name === only);
  if (rows.length === 0)
    throw new UnknownName(
      only,
      table.map(({ name }) => name),
    );
  return rows;
}

/** The name given with `--only` is none of the table's. */
class UnknownName extends Error {
  constructor(name: string, names: readonly string[]) {
    super(`no "${name}"; expected one of ${names.join(', ')}`);
  }
}

/** Runs a script's command: a wrong name is told in one line, with the exit code of bad usage. */
export async function runCommand(command: Command): Promise<void> {
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  try {
    await command.parseAsync();
  } catch (error) {
    if (!(error instanceof UnknownName)) throw error;
    process.stderr.write(`${command.name()}: ${error.message}\n`);
    process.exitCode = 2;
  }
}
