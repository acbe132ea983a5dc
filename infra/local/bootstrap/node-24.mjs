import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { node24, root, runQuietly } from './processes.mjs';

/** Makes sure that the package `node` brought Node 24; its binary is fetched by an install script, which npm may be told to skip. */
export async function ensureNode24() {
  if (isNode24()) return;
  console.log('Fetching Node 24 ...');
  const { output, logFile } = await runQuietly(process.execPath, ['installArchSpecificPackage.js'], {
    logName: 'node-24',
    cwd: join(root, 'node_modules', 'node'),
    env: process.env,
  });
  if (isNode24()) return;
  const last = output.trim().split('\n').at(-1) ?? '';
  throw new Error(
    `Node 24 did not come with the npm package "node" (${last}); see ${logFile}, or allow install scripts`,
  );
}

function isNode24() {
  const { stdout } = spawnSync(node24, ['--version'], { encoding: 'utf8' });
  return stdout?.startsWith('v24.') ?? false;
}
