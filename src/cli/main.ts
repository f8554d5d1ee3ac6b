#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { VERSION } from '../files/index.ts';
import { ExitCode, runCommand } from './exit.ts';
import { LOG_LEVELS } from './log.ts';
import {
  addOutputOptions,
  addScenarioOptions,
  collect,
  count,
  duration,
  outputFile,
  portNumber,
  positive,
  speedOption,
} from './options.ts';

const FILE = 'a scenario file, or - for standard input';

/** A command's code is loaded when the command is run: what the others need takes its time as well. */
function program(): Command {
  const inferlab = new Command('inferlab')
    .description('A local simulator and test harness for LLM inference platforms')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(--help shows what is expected)')
    .addHelpText(
      'after',
      '\nExit codes: 0 pass, 1 expectations failed, 2 bad usage or invalid scenario, 3 internal error',
    );

  const start_ = inferlab
    .command('start')
    .description('rehearse a scenario in virtual time, print the verdict, then serve it live')
    .argument('[file]', `${FILE}; the packaged quickstart by default`)
    .option('--no-serve', 'end after the verdict')
    .option('--port <n>', "the gateway's port; 0 for any free one", portNumber, 0)
    .addHelpText('after', '\nExample:\n  inferlab start --no-serve');
  start_.option('--json', 'print the verdicts and the addresses as JSON, a line each');
  addScenarioOptions(start_).action((file: string | undefined, options) =>
    runCommand(async () => (await import('./start.ts')).start(file, options)),
  );

  const run_ = inferlab
    .command('run')
    .description('run a scenario in virtual time and print a verdict')
    .argument('<file>', FILE)
    .option('--check-determinism', 'run it twice and compare the trace hashes')
    .option('--trace <file>', 'write the canonical trace, a line a record', outputFile)
    .addHelpText('after', '\nExample:\n  inferlab run scenarios/quickstart.yaml --set seed=7 --json');
  addOutputOptions(addScenarioOptions(run_)).action((file: string, options) =>
    runCommand(async () => (await import('./run.ts')).run(file, options)),
  );

  const serve_ = inferlab
    .command('serve')
    .description('serve a scenario live: a gateway endpoint, and one for each pod')
    .argument('<file>', FILE)
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--port <n>', "the gateway's port; 0 for any free one", portNumber, 0)
    .option('--tls-port <n>', "the gateway's port with TLS, for HTTPS and WSS; any free one by default", portNumber)
    .option('--certificate <file>', 'write the certificate of that port, for clients to trust it', outputFile)
    .option('--pod-port <base>', 'pods listen from this port on, in order of their slots', portNumber)
    .addOption(speedOption())
    .option('--cold', 'live from the first moment: watch the pods start')
    .option('--no-traffic', "without the scenario's own traffic and timeline")
    .option('--until-end', "end with the scenario's duration and its last request")
    .option('--journal <file>', 'keep the journal, for replay', outputFile)
    .option(
      '--lag-budget <ms>',
      'simulated ms that deliveries may be late (p99) before the run is not trusted',
      positive,
      50,
    )
    .addOption(
      new Option('--log <level>', 'log platform events to standard error').choices(LOG_LEVELS).default('silent'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  inferlab serve scenarios/quickstart.yaml --port 8080 --journal session.journal',
    );
  addOutputOptions(addScenarioOptions(serve_)).action((file: string, options) =>
    runCommand(async () => (await import('./serve.ts')).serve(file, options)),
  );

  const replay_ = inferlab
    .command('replay')
    .description('run a live session again in virtual time, from its journal')
    .argument('<journal>', 'a journal kept by serve, or - for standard input')
    .addHelpText('after', '\nExample:\n  inferlab replay session.journal');
  addOutputOptions(addScenarioOptions(replay_)).action((file: string, options) =>
    runCommand(async () => (await import('./replay.ts')).replay(file, options)),
  );

  const explain_ = inferlab
    .command('explain')
    .description('run a scenario and tell what happened, in order: faults, operations, events, streams cut')
    .argument('<file>', FILE)
    .argument('[object]', 'only what concerns this service, pod or node; with a pod also why it is where it is')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', '\nExample:\n  inferlab explain scenarios/chip-fault-910b.yaml');
  addScenarioOptions(explain_).action((file: string, object: string | undefined, options) =>
    runCommand(async () => (await import('./explain.ts')).explain(file, object, options)),
  );

  const compare_ = inferlab
    .command('compare')
    .description('put one prompt to several text generation services at once, answers and figures side by side')
    .argument('[file]', `${FILE}: in virtual time`)
    .requiredOption('--prompt <text>', 'what to ask')
    .option('--services <names>', 'of the scenario or of --serve, separated by commas; all by default')
    .option('--max-tokens <n>', 'the longest answer', count)
    .option('--at <duration>', 'ask this long after the services are ready, 30s say; at once by default', duration)
    .option('--no-traffic', "without the scenario's own traffic and timeline")
    .option(
      '--url <base>',
      'an OpenAI base URL to ask instead, http://HOST/v1 or http://HOST/v1#MODEL (repeatable)',
      collect,
    )
    .option('--serve <file>', 'ask the services of a running inferlab serve, from what its --json printed')
    .option('--model <name>', 'of URLs that name none; the first that the server lists by default')
    .option(
      '--api-key-env <variable>',
      'the environment variable with the API key: one for all, or one for each --url, - for none',
      collect,
    )
    .option('--api-key <key>', 'the key itself, the same way; other users of the machine can see it', collect)
    .addOption(
      new Option('--timeout <duration>', 'give an answer up after this long')
        .argParser(duration)
        .default(duration('10m'), '10m'),
    )
    .option('--json', 'print everything as one JSON object')
    .addHelpText(
      'after',
      "\nExit codes: 0 all answered, 1 some did not, 2 bad usage\n\nExample:\n  inferlab compare scenarios/quickstart.yaml --at 5s --prompt 'Why is the sky blue?'",
    );
  addScenarioOptions(compare_).action((file: string | undefined, options) =>
    runCommand(async () => (await import('./compare.ts')).compare(file, options)),
  );

  const validate_ = inferlab
    .command('validate')
    .description('say what is wrong with a scenario, without running it')
    .argument('<file>', FILE)
    .option('--json', 'print the summary as one JSON object')
    .addHelpText('after', '\nExample:\n  inferlab validate scenarios/quickstart.yaml');
  addScenarioOptions(validate_).action((file: string, options) =>
    runCommand(async () => (await import('./validate.ts')).validate(file, options)),
  );

  const fidelity_ = inferlab
    .command('fidelity')
    .description('replay published measurements on the engine and print the error')
    .option('--json', 'print the figures as one JSON array')
    .option('--table <name>', 'one of the tables: silicon, vllm_runs, distserve, splitwise or gpustack')
    .option('--measurements <file>', "a file in the silicon table's columns, instead of the tables")
    .option('--quick', 'every twelfth row of the silicon table, and no search')
    .option('--baseline [file]', 'fail when a figure is worse than in the baseline; the committed one by default')
    .option('--write-baseline <file>', 'run everything and write the figures to compare with')
    .addHelpText('after', '\nExample:\n  inferlab fidelity --quick --baseline');
  fidelity_.action((options) => runCommand(async () => (await import('./fidelity.ts')).fidelity(options)));

  const calibrate_ = inferlab
    .command('calibrate')
    .description('fit step times to your own benchmark output and print the error')
    .argument('<measurements...>', 'results of vllm bench serve, GuideLLM or AIPerf, or tables; - for standard input')
    .requiredOption('--accelerator <id>', "the catalogue's name of the accelerator")
    .requiredOption('--model <id>', "the catalogue's name of the model")
    .option('--parallel <n>', 'devices of the engine, tensor-parallel', count, 1)
    .option('--engine <name>', 'the engine that was measured', 'vllm')
    .option('--engine-version <version>', 'its version, where the catalogue has a fit for it')
    .option('--precision <name>', 'of the checkpoint', 'bf16')
    .option('--max-num-seqs <n>', 'sequences that run at once; 256, or as many as clients, by default', count)
    .option('--max-num-batched-tokens <n>', 'token budget of a step; 8192 by default', count)
    .option('--kv-tokens <n>', 'tokens of KV cache, as the engine logged it; from the memory by default', count)
    .option('--json', 'print everything as one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  inferlab calibrate c1.json c16.json c64.json --accelerator h100 --model llama-3.1-8b',
    );
  calibrate_.action((files: string[], options) =>
    runCommand(async () => (await import('./calibrate.ts')).calibrate(files, options)),
  );

  inferlab
    .command('schema')
    .description('print the scenario format as JSON Schema')
    .addHelpText('after', '\nExample:\n  inferlab schema > inferlab.schema.json')
    .action(() => runCommand(async () => (await import('./validate.ts')).printSchema()));
  return inferlab;
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await program().parseAsync();
} catch (error) {
  // Commander has printed its message by now; help and version are no mistakes.
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? ExitCode.pass : ExitCode.usage;
}
