import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { node24, root, runQuietly } from './processes.mjs';

/** The isolate is one file, so that a plugin's process reads nothing of ours but that. It is built in well under a second. */
const ISOLATE_BUILD = join(root, 'services', 'plugin-runner', 'build.ts');

export async function buildIsolate() {
  if (!existsSync(ISOLATE_BUILD)) return;
  const { ok, output, logFile } = await runQuietly(node24, [ISOLATE_BUILD], { logName: 'build-isolate' });
  if (!ok) throw new Error(`Building the isolate failed: ${output.trim().split('\n')[0] ?? ''} (${logFile})`);
}
