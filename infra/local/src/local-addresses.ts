import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isClaimed } from './claimed-folder.ts';

const FILE = 'addresses.json';

/** Where the backing services of a platform of this machine are, passwords included. */
export interface Addresses {
  brokerUrl: string;
  databaseUrl: string;
  redisUrl: string;
}

/** Leaves them in the platform's folder, for commands that work beside it. */
export function keepAddresses(folder: string, { brokerUrl, databaseUrl, redisUrl }: Addresses): void {
  forgetAddresses(folder);
  writeFileSync(join(folder, FILE), JSON.stringify({ brokerUrl, databaseUrl, redisUrl }), { mode: 0o600 });
}

export function forgetAddresses(folder: string): void {
  rmSync(join(folder, FILE), { force: true });
}

/** Those of the platform that runs in this folder; undefined when none does, or when it still starts. */
export function addressesOf(folder: string): Addresses | undefined {
  if (!isClaimed(folder)) return undefined;
  try {
    return JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as Addresses;
  } catch {
    // It has no backing services yet.
    return undefined;
  }
}
