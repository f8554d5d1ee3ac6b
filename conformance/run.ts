import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Real clients against `inferlab serve`: installs them, then runs every case that this machine can.
 *
 *     npm run test:conformance              all that is quick to install
 *     npm run test:conformance -- --all     GuideLLM too, which brings 6 GB
 *
 * Other arguments go to vitest. Debian's nginx, haproxy and prometheus take part where they are installed.
 */
const HERE = fileURLToPath(new URL('.', import.meta.url));
const ENVIRONMENTS = join(HERE, '.venv');
const LARGE = ['guidellm'];
const all = process.argv.includes('--all');

/** Whether a command ended well; what it says is shown. */
function runs(command: string, args: readonly string[], cwd = HERE): boolean {
  return spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

/** The clients of the npm registry: without them there is nothing to run. */
function installPackages(): boolean {
  const installed = join(HERE, 'node_modules/.package-lock.json');
  const made = statSync(installed, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (made > statSync(join(HERE, 'package-lock.json')).mtimeMs) return true;
  // openai 7 asks for Node 22 and works on 20.
  return runs('npm', ['ci', '--engine-strict=false', '--ignore-scripts', '--loglevel=error']);
}

/** An environment for each Python client, so that none of them decides what another gets. */
function installPython(name: string): void {
  const requirements = readFileSync(join(HERE, 'python', `${name}.txt`), 'utf8');
  const folder = join(ENVIRONMENTS, name);
  const complete = join(folder, 'complete');
  if (existsSync(complete) && readFileSync(complete, 'utf8') === requirements) return;
  if (LARGE.includes(name) && !all) {
    console.log(`not installed: ${name}, for its size; npm run test:conformance -- --all does`);
    return;
  }
  mkdirSync(ENVIRONMENTS, { recursive: true });
  const made =
    runs('python3', ['-m', 'venv', '--clear', folder]) &&
    runs(join(folder, 'bin/pip'), ['install', '-q', '--disable-pip-version-check', '-r', `python/${name}.txt`]);
  if (made) writeFileSync(complete, requirements);
  else console.log(`not installed: ${name}; its cases are skipped`);
}

if (!installPackages()) process.exit(1);
for (const file of readdirSync(join(HERE, 'python'))) installPython(file.replace(/\.txt$/, ''));
const forVitest = process.argv.slice(2).filter((each) => each !== '--all');
process.exitCode =
  runs('npx', ['tsc', '-p', 'conformance'], join(HERE, '..')) &&
  runs('npx', ['vitest', 'run', '--root', 'conformance', ...forVitest], join(HERE, '..'))
    ? 0
    : 1;
