import { PlatformError } from '@verifywise/contracts';
import { chooseSource, type Choice, type SourceNeeds } from './choose-source.ts';
import { OnlyByUploadError } from './errors.ts';
import type { InstalledRecord } from './installed-plugin.ts';
import type { OperationInput } from './progress.ts';

/** Where the version that takes the place of an installed one comes from. Throws what an admin can do where an upload is all there was. */
export async function chooseUpdate(
  needs: SourceNeeds,
  record: InstalledRecord,
  input: OperationInput,
): Promise<Choice> {
  try {
    return await chooseSource(needs, record.tenant, record.pluginId, input, record.source);
  } catch (error) {
    const isUnknown = error instanceof PlatformError && error.code === 'PLUGIN_NOT_FOUND';
    if (record.source !== 'upload' || !isUnknown) throw error;
    throw new OnlyByUploadError(record);
  }
}
