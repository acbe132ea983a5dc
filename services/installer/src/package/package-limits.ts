import type { InstallerConfig } from '../config.ts';

/** How much a package may be (contract §3). */
export interface PackageLimits {
  downloadBytes: number;
  uploadBytes: number;
  entries: number;
  fileBytes: number;
  totalBytes: number;
  /** Times that the content may be larger than the archive. */
  ratio: number;
}

const MB = 1024 * 1024;

export const contractLimits: PackageLimits = {
  downloadBytes: 50 * MB,
  uploadBytes: 10 * MB,
  entries: 2_000,
  fileBytes: 50 * MB,
  totalBytes: 200 * MB,
  ratio: 100,
};

/** The limits as they are set. */
export function limitsIn(config: InstallerConfig): PackageLimits {
  return {
    downloadBytes: config.downloadLimitBytes,
    uploadBytes: config.uploadLimitBytes,
    entries: config.packageEntryLimit,
    fileBytes: config.packageFileLimitBytes,
    totalBytes: config.packageTotalLimitBytes,
    ratio: config.packageRatioLimit,
  };
}
