import { runNode } from './cli.ts';

/** What a function returned in a process of its own, and how much of a core that process took while it ran. */
export interface Outcome<Result> {
  readonly result: Result;
  readonly cores: number;
}

/**
 * Calls an exported function of a module of the bench in a process of its own, as a client that shares nothing with the
 * server but the machine. Argument and result travel as JSON.
 * @param url the module's `import.meta.url`
 * @throws when it throws
 */
export async function inOwnProcess<Argument, Result>(
  url: string,
  run: (argument: Argument) => Promise<Result>,
  argument: Argument,
): Promise<Outcome<Result>> {
  const script = `
    import { ${run.name} as run } from ${JSON.stringify(url)};
    const began = [performance.now(), process.cpuUsage()];
    const result = await run(${JSON.stringify(argument)});
    const { user, system } = process.cpuUsage(began[1]);
    const cores = (user + system) / 1_000 / (performance.now() - began[0]);
    process.stdout.write(JSON.stringify({ result, cores }), () => process.exit());`;
  const { code, stdout, stderr } = await runNode(['--import', 'tsx', '--input-type=module', '--eval', script]);
  if (code !== 0) throw new Error(`${run.name} exited with ${code}: ${stderr.trim()}`);
  return JSON.parse(stdout) as Outcome<Result>;
}
