import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Makes a folder of this process alone below `scratch`, and removes those of the same kind whose processes are gone, each after
 * `beforeRemoval` of it.
 */
export async function makeOwnFolder(
  scratch: string,
  kind: string,
  beforeRemoval: (folder: string) => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const ofKind = new RegExp(`^${kind}-(\\d+)-`);
  for (const name of await readdir(scratch)) {
    const pid = ofKind.exec(name)?.[1];
    // In a container every runner has the same process id, and this one has made no folder yet.
    const left = pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid)));
    if (!left) continue;
    await beforeRemoval(join(scratch, name));
    await rm(join(scratch, name), { recursive: true, force: true });
  }
  return mkdtemp(join(scratch, `${kind}-${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
