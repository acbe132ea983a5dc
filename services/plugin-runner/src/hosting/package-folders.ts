import type { PackageRef } from '@verifywise/contracts';

/** Unpacked packages on this machine, one folder per digest, shared by every tenant that has the version. */
export interface PackageFolders {
  /** The folder with the package's files and the file in it to load (null: manifest only); fetched and checked when it is not there yet. */
  folderOf(ref: PackageRef): Promise<{ folder: string; entry: string | null }>;
}
