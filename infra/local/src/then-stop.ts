import { join } from 'node:path';
import { Interrupted } from './interruption.ts';
import type { Platform } from './platform.ts';
import { reasonOf, StartError } from './start-error.ts';

/** Works with a platform and stops it. When the work failed, the platform's logs stay, and the error says where. */
export async function thenStop(platform: Pick<Platform, 'folder' | 'stop'>, work: () => Promise<void>): Promise<void> {
  let failed = false;
  try {
    await work();
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    failed = true;
    throw new StartError(`${reasonOf(error)} (logs: ${join(platform.folder, 'logs')})`, { cause: error });
  } finally {
    await platform.stop({ keepFolder: failed });
  }
}
