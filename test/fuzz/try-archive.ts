import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '@verifywise/contracts';
import { createLogger } from '@verifywise/service-kit';
import { takenIn, type TakenPackage } from '../../services/installer/src/testing/taken-in.ts';
import { UnpackedPackages } from '../../services/plugin-runner/src/package/unpacked-packages.ts';
import { mutatedArchive } from './archive-cases.ts';
import { Random } from './random.ts';

/** Where a case may write: what the installer looks at, and what a runner unpacks. */
export interface Places {
  scratch: string;
  target: string;
}

const log = createLogger('fuzz', 'silent');

/**
 * Takes a mutated archive in as the installer does, and what is accepted apart as a runner does. The answer is how it ended: the
 * code of a refusal, or `accepted`; whatever else is thrown is a crash.
 */
export async function tryArchive(seed: number, index: number, places: Places): Promise<string> {
  const archive = mutatedArchive(new Random(seed, index));
  const code = await takenOrRefused(archive, places);
  const left = await readdir(places.scratch);
  if (left.length > 0) throw new Error(`It left ${left.join(', ')} in the scratch folder`);
  return code;
}

async function takenOrRefused(archive: Buffer, places: Places): Promise<string> {
  let taken: TakenPackage;
  try {
    taken = await takenIn(archive, {}, places.scratch);
  } catch (error) {
    if (error instanceof PlatformError && error.code !== 'INTERNAL') return error.code;
    throw error;
  }
  await unpack(taken, join(places.target, 'one'));
  const again = await takenIn(taken.bytes, {}, places.scratch);
  if (!again.bytes.equals(taken.bytes))
    throw new Error('What was made of it is made into something else when it is taken in again');
  return 'accepted';
}

/** Everything that a runner writes lies in the folder of the package. */
async function unpack({ bytes, checksum }: TakenPackage, root: string): Promise<void> {
  const fetch = (_ref: unknown, file: string) => writeFile(file, bytes);
  const packages = await UnpackedPackages.open(root, { fetch, hosted: () => [], log });
  try {
    const { folder } = await packages.folderOf({ digest: checksum, size: bytes.length });
    if (!(await readdir(folder)).includes('manifest.json')) throw new Error('A runner finds no manifest in it');
    const name = checksum.replace('sha256:', '');
    const strange = (await readdir(root)).filter((entry) => ![name, `${name}.sums`, 'in-use'].includes(entry));
    if (strange.length > 0) throw new Error(`A runner wrote ${strange.join(', ')} beside the package`);
  } finally {
    await packages.close();
    await rm(root, { recursive: true, force: true });
  }
}
