import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { binFolder, jestArguments, node24, root, runQuietly } from './processes.mjs';

const codeFolders = ['shared', 'services', 'infra', 'plugins', 'test'].filter((name) => existsSync(join(root, name)));

const tool = (name, ...args) => [node24, [join(binFolder, name), ...args]];

/** The slow ones first, so that the others fit beside them. */
const steps = {
  lint: tool('eslint', '.'),
  'unit tests': [node24, jestArguments('unit', [])],
  types: tool('tsc', '--noEmit', '-p', 'tsconfig.json'),
  'import rules': tool('depcruise', '--config', '.dependency-cruiser.cjs', ...codeFolders),
  'unused code': tool('knip'),
  format: tool('prettier', '--check', '.', '--log-level', 'warn'),
};

/**
 * Runs every step, also after one failed; says in a line what each said, and shows the output of those that failed.
 * Rejects with Interrupted, and starts no further step, when we get a signal.
 */
export async function runChecks([unknown]) {
  if (unknown !== undefined) throw new Error(`${unknown} is not known; npm run check takes no arguments`);
  const waiting = Object.entries(steps);
  const failed = [];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, [program, args]] = next;
      if (!(await runStep(name, program, args))) failed.push(name);
    }
  };
  const workers = Array.from({ length: Math.min(availableParallelism(), 3) }, worker);
  const broken = (await Promise.allSettled(workers)).find(({ status }) => status === 'rejected');
  if (broken !== undefined) throw broken.reason;
  console.log(failed.length === 0 ? 'All checks passed' : `Failed: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

async function runStep(name, program, args) {
  const startedAt = Date.now();
  const { ok, output, reason } = await runQuietly(program, args, { logName: `check-${name.replace(' ', '-')}` });
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(13)} ${seconds.padStart(6)} s${ok ? '' : ` (${reason})`}`);
  if (!ok) console.log(`${output.trimEnd()}\n`);
  return ok;
}
