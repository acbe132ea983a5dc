import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, closeSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
export const binFolder = join(root, 'node_modules', '.bin');
export const node24 = join(binFolder, 'node');
const logFolder = join(root, '.local', 'logs');
const PARENT_LOOKED_AFTER_MS = 1_000;

/** Somebody pressed Ctrl-C, or told us to end, while we waited for a program. */
export class Interrupted extends Error {
  exitCode = 130;

  constructor() {
    super('Interrupted');
  }
}

/** The environment in which `node` is Node 24. */
export function toolEnvironment(extra = {}) {
  return { ...process.env, PATH: `${binFolder}${delimiter}${process.env.PATH ?? ''}`, ...extra };
}

/** Runs one of our scripts on Node 24 in the foreground and resolves with its exit code. */
export function runScript(script, args) {
  return runInForeground(node24, ['--disable-warning=ExperimentalWarning', join(root, script), ...args]);
}

/** Runs a program with our terminal; passes signals on, and ends it when we or npm are killed. */
export function runInForeground(program, args, { stdio = 'inherit', env = toolEnvironment() } = {}) {
  const [wrapped, ...wrappedArgs] = dyingWithUs(program, args);
  const child = spawn(wrapped, wrappedArgs, { cwd: root, env, stdio });
  const passOn = (signal) => child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, passOn);
  const lookAfterNpm = watchNpm(() => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const name of signals) process.off(name, passOn);
      clearInterval(lookAfterNpm);
      resolve(code ?? 128 + (constants.signals[signal] ?? 1));
    });
  });
}

/**
 * Runs a program quietly, its output into a log file; resolves with what it wrote and how it ended.
 * A signal that we get is passed on; then it rejects with Interrupted when the program is gone.
 */
export function runQuietly(program, args, { logName, env = toolEnvironment(), cwd = root }) {
  mkdirSync(logFolder, { recursive: true });
  const logFile = join(logFolder, `${logName}.log`);
  const log = openSync(logFile, 'w');
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', log, log] });
  closeSync(log);
  let interrupted = false;
  const passOn = (signal) => {
    interrupted = true;
    child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, passOn);
  return new Promise((resolve, reject) => {
    const finish = (ok, reason) => {
      for (const name of signals) process.off(name, passOn);
      if (interrupted) reject(new Interrupted());
      else resolve({ ok, reason, logFile, output: readFileSync(logFile, 'utf8') });
    };
    child.once('error', (error) => finish(false, error.message));
    child.once('exit', (code, signal) => finish(code === 0, signal ?? `exit code ${code}`));
  });
}

/** npm starts us, by way of a shell, and says nothing when it is killed; then nobody is left who could press Ctrl-C. */
function watchNpm(whenGone) {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const line = lineage();
  return setInterval(() => lineage() !== line && whenGone(), PARENT_LOOKED_AFTER_MS).unref();
}

/** Our parent and, where that is npm's shell, the parent of the shell. */
function lineage() {
  const shell = statusOf(process.ppid);
  return [process.ppid, /^(da|ba)?sh$/.test(shell.Name ?? '') ? shell.PPid : undefined].join();
}

function statusOf(pid) {
  try {
    const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
    return Object.fromEntries(lines.map((line) => line.split(':\t')));
  } catch {
    // Not Linux, or gone: then only the number of our parent tells.
    return {};
  }
}

function dyingWithUs(program, args) {
  const hasSetpriv = process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true']).status === 0;
  return hasSetpriv ? ['setpriv', '--pdeathsig', 'TERM', program, ...args] : [program, ...args];
}

/** How one jest project is run on Node 24, with jest's own reporter unless others are named. */
export function jestArguments(project, args, reporters = []) {
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const lists = ['--selectProjects', project, ...reporters.map((reporter) => `--reporters=${reporter}`)];
  // These options take every word that follows them, so one without a value ends them.
  return [...node, join(binFolder, 'jest'), ...lists, '--passWithNoTests', ...args];
}
