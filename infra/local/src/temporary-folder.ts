import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeftovers, isClaimed } from './claimed-folder.ts';

/** A folder younger than this may belong to a process that has not claimed it yet. */
const CLAIMED_WITHIN_MS = 60_000;

/** A new folder for one run; what earlier runs left behind because they were killed is ended and removed first. */
export async function temporaryFolder(purpose: string): Promise<string> {
  const prefix = `verifywise-${purpose}-`;
  mkdirSync(tmpdir(), { recursive: true });
  for (const name of readdirSync(tmpdir())) {
    if (name.startsWith(prefix)) await removeAbandoned(join(tmpdir(), name));
  }
  return mkdtempSync(join(tmpdir(), `${prefix}${Date.now().toString(36)}-`));
}

async function removeAbandoned(folder: string): Promise<void> {
  const madeAt = parseInt(/-([0-9a-z]+)-[^-]*$/.exec(folder)?.[1] ?? '', 36);
  if (isClaimed(folder) || !(Date.now() - madeAt > CLAIMED_WITHIN_MS)) return;
  await endLeftovers(folder);
  rmSync(folder, { recursive: true, force: true });
}
