/** The part of a lock file's entry that is compared. */
export interface LockedPackage {
  version?: string;
  optional?: boolean;
  devOptional?: boolean;
  peer?: boolean;
}

export function firstDifference(
  wanted: Record<string, LockedPackage>,
  installed: Record<string, LockedPackage> | undefined,
  exists: (path: string) => boolean,
): string | undefined;
