import type { ReceivedArchive } from '../installation/hands.ts';
import { byteSize } from '../byte-size.ts';
import { ArchiveError } from './archive-errors.ts';
import { readDirectory, type ListedEntry } from './central-directory.ts';
import { readEnd } from './end-record.ts';
import { sameNameKey } from './entry-name.ts';
import { readLocal, type EntryPlace } from './local-header.ts';
import type { PackageLimits } from './package-limits.ts';

/** One file or folder of an archive: what its directory says, and where it really is. */
export type ArchiveEntry = ListedEntry & EntryPlace;

export interface ArchiveReading {
  entries: ArchiveEntry[];
  /** Bytes from the end record on. */
  tailSize: number;
}

export type ArchiveLimits = Pick<PackageLimits, 'entries' | 'fileBytes' | 'totalBytes' | 'ratio'>;

/** Room for two thousand long names; a directory of more is nothing but names and comments. */
const LARGEST_DIRECTORY = 4 * 1024 * 1024;

/**
 * Reads the central directory of a zip and refuses everything that honest tools do not write (contract §3). Nothing is inflated.
 * Its time and memory grow with the number of entries that are really there, not with what the archive claims.
 */
export async function readArchive(archive: ReceivedArchive, limits: ArchiveLimits): Promise<ArchiveReading> {
  const { count, directoryAt, directoryEnd } = await readEnd(archive);
  if (count > limits.entries) {
    throw new ArchiveError('ARCHIVE_TOO_MANY_ENTRIES', `has ${count} entries; at most ${limits.entries} are allowed`);
  }
  if (directoryEnd - directoryAt > LARGEST_DIRECTORY) {
    const most = byteSize(LARGEST_DIRECTORY);
    throw new ArchiveError('ARCHIVE_DIRECTORY_TOO_LARGE', `has a directory of more than ${most}`);
  }
  const listed = readDirectory(await archive.read(directoryAt, directoryEnd - directoryAt), count);
  assertSizes(listed, archive.size, limits);
  assertNames(listed);
  const entries: ArchiveEntry[] = [];
  for (const entry of listed) entries.push({ ...entry, ...(await readLocal(archive, entry, directoryAt)) });
  assertLayout(entries, directoryAt);
  return { entries, tailSize: archive.size - directoryEnd };
}

function assertSizes(entries: ListedEntry[], archiveBytes: number, limits: ArchiveLimits): void {
  let total = 0;
  for (const { name, size } of entries) {
    if (size > limits.fileBytes) {
      const most = byteSize(limits.fileBytes);
      throw new ArchiveError('ARCHIVE_ENTRY_TOO_LARGE', `is larger than ${most}, the most that is allowed`, name);
    }
    total += size;
  }
  if (total > limits.totalBytes) {
    const most = byteSize(limits.totalBytes);
    throw new ArchiveError('ARCHIVE_TOTAL_TOO_LARGE', `holds more than ${most}, the most that is allowed`);
  }
  if (total > archiveBytes * limits.ratio) {
    throw new ArchiveError('ARCHIVE_RATIO', `is compressed more than ${limits.ratio}:1`);
  }
}

function assertNames(entries: ListedEntry[]): void {
  const seen = new Map<string, ListedEntry>();
  for (const entry of entries) {
    const key = sameNameKey(entry.name);
    if (seen.has(key)) throw new ArchiveError('ARCHIVE_NAME_TWICE', 'is there twice', entry.name);
    seen.set(key, entry);
  }
  for (const { name } of entries) {
    const parts = sameNameKey(name).split('/');
    for (let length = 1; length < parts.length; length += 1) {
      if (seen.get(parts.slice(0, length).join('/'))?.folder === false) {
        throw new ArchiveError('ARCHIVE_FILE_IN_FILE', 'lies in something that is a file', name);
      }
    }
  }
}

/** One after the other from the first byte to the directory: nothing shared, nothing hidden in between. */
function assertLayout(entries: ArchiveEntry[], directoryAt: number): void {
  let at = 0;
  for (const { name, start, end } of entries.toSorted((a, b) => a.start - b.start)) {
    if (start < at) throw new ArchiveError('ARCHIVE_OVERLAP', 'overlaps another one', name);
    if (start > at) throw new ArchiveError('ARCHIVE_HIDDEN_DATA', 'has unknown bytes before it', name);
    at = end;
  }
  if (at !== directoryAt) throw new ArchiveError('ARCHIVE_HIDDEN_DATA', 'has unknown bytes before its directory');
}
