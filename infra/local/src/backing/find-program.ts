import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first of these files that can be run; a `*` stands for one folder, the one with the highest version first. */
export function findProgram(candidates: string[]): string | undefined {
  return candidates.flatMap(expand).find(isExecutable);
}

/** Where a program of this name would be on PATH and in the places that are not on everybody's PATH. */
export function onPath(name: string, env: NodeJS.ProcessEnv): string[] {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...folders, '/usr/local/sbin', '/usr/sbin', '/sbin', '/opt/homebrew/bin', '/usr/local/bin'].map((folder) =>
    join(folder, name),
  );
}

function expand(pattern: string): string[] {
  const star = pattern.indexOf('/*/');
  if (star === -1) return [pattern];
  const folder = pattern.slice(0, star);
  const rest = pattern.slice(star + 3);
  return namesIn(folder)
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .flatMap((name) => expand(join(folder, name, rest)));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // The folder of a program that is not installed.
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Absent, or not ours to run: not a candidate.
    return false;
  }
}
