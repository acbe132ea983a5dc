import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, runQuietly } from './processes.mjs';

/** Installs the npm packages when what is installed differs from package-lock.json; costs milliseconds when it does not. */
export async function ensurePackages() {
  const wanted = readLock(join(root, 'package-lock.json'));
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined) throw new Error('package-lock.json is missing; check the repository out again');
  const difference = firstDifference(wanted, installed, (path) => existsSync(join(root, path)));
  if (difference === undefined) return;

  // npm ci empties what the link points to, which belongs to somebody else.
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new Error(`node_modules is a symbolic link and ${difference}; remove the link, or run npm ci where it leads`);
  }
  const startedAt = Date.now();
  console.log(`Installing npm packages (${difference}); about a minute ...`);
  const [program, args] = npmCommand(['ci', '--include=dev', '--no-audit', '--no-fund']);
  const { ok, output, logFile, reason } = await runQuietly(program, args, { logName: 'npm-ci', env: process.env });
  if (!ok) throw new Error(`npm ci failed (${reason}): ${npmReason(output)} The whole story is in ${logFile}`);
  console.log(`Installed npm packages in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

/**
 * Why the packages have to be installed, or undefined when they need not be. Both arguments are the `packages` part of a
 * lock file; npm writes the second one into node_modules and leaves out what does not fit this machine.
 */
export function firstDifference(wanted, installed, exists) {
  if (installed === undefined) return 'none are installed yet';
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes('node_modules/')) continue;
    const found = installed[path];
    if (found === undefined) {
      if (entry.optional === true || entry.devOptional === true || entry.peer === true) continue;
      return `${nameOf(path)} is missing`;
    }
    if (found.version !== entry.version) return `${nameOf(path)} changed`;
    if (entry.optional !== true && !exists(path)) return `${nameOf(path)} is missing`;
  }
  return undefined;
}

/** npm tells every script where it is itself, which is right also where PATH has another one. */
function npmCommand(args) {
  const cli = process.env.npm_execpath;
  if (cli !== undefined && cli.endsWith('.js') && existsSync(cli)) return [process.execPath, [cli, ...args]];
  const beside = join(dirname(process.execPath), 'npm');
  return [existsSync(beside) ? beside : 'npm', args];
}

function nameOf(path) {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function npmReason(output) {
  const errors = output.split('\n').filter((line) => /^npm (error|ERR!)/.test(line) && !line.includes('complete log'));
  const lines = errors.map((line) => line.replace(/^npm (error|ERR!) ?/, '').trim()).filter((line) => line !== '');
  return lines.slice(0, 4).join('; ').concat('.');
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    // No such file, or one that npm did not finish: nothing is installed.
    return undefined;
  }
}
