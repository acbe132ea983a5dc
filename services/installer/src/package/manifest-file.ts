import { PlatformError } from '@verifywise/contracts';
import { byteSize } from '../byte-size.ts';

const LARGEST_MANIFEST = 1024 * 1024;

/** Throws when a `manifest.json` of so many bytes is not even looked at. */
export function assertManifestSize(bytes: number): void {
  if (bytes > LARGEST_MANIFEST) {
    throw new PlatformError('MANIFEST_INVALID', `manifest.json is larger than ${byteSize(LARGEST_MANIFEST)}`);
  }
}

/** What the bytes of a `manifest.json` say, whatever that is; throws when they are no JSON. */
export function manifestJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new PlatformError('MANIFEST_INVALID', `manifest.json is not JSON: ${why}`, { cause: error });
  }
}
