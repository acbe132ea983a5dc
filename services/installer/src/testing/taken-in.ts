import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contractLimits, type PackageLimits } from '../package/package-limits.ts';
import { withScratchFile } from '../package/scratch-file.ts';
import { takeIn, type TakenIn } from '../package/take-in.ts';

/** Where tests let archives lie; each file in it loses its name at once. */
export const SCRATCH = join(tmpdir(), 'verifywise-test-packages');

export type TakenPackage = TakenIn & { bytes: Buffer; checksum: string };

/** A package made of these bytes as the installer makes it. */
export function takenIn(
  archive: Buffer,
  limits: Partial<PackageLimits> = {},
  scratch = SCRATCH,
): Promise<TakenPackage> {
  return withScratchFile(scratch, (received) =>
    withScratchFile(scratch, async (made) => {
      await received.append(archive);
      const taken = await takeIn(received, made, { ...contractLimits, ...limits });
      return { ...taken, bytes: await made.read(0, made.size), checksum: made.checksum };
    }),
  );
}
