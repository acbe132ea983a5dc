import { ArchiveError } from './archive-errors.ts';
import type { ReceivedArchive } from '../installation/hands.ts';
import {
  END_SIGNATURE,
  END_SIZE,
  IN_ZIP64,
  LOCAL_SIGNATURE,
  LONGEST_COMMENT,
  ZIP64_LOCATOR_SIGNATURE,
  ZIP64_LOCATOR_SIZE,
} from './zip-format.ts';

/** Where the central directory is, and how many entries it has. */
export interface EndRecord {
  count: number;
  /** From where to where the directory reaches; there the end record begins. */
  directoryAt: number;
  directoryEnd: number;
}

/** The end record must be the last thing in the file: what follows it, another reader might read instead. */
export async function readEnd(archive: ReceivedArchive): Promise<EndRecord> {
  const head = await archive.read(0, 4);
  const signature = head.length === 4 ? head.readUInt32LE(0) : 0;
  if (signature !== LOCAL_SIGNATURE && signature !== END_SIGNATURE) {
    throw new ArchiveError('NOT_A_ZIP', 'is not a zip file');
  }
  const tailAt = Math.max(0, archive.size - END_SIZE - LONGEST_COMMENT - ZIP64_LOCATOR_SIZE);
  const tail = await archive.read(tailAt, archive.size - tailAt);
  const at = findEnd(tail);
  if (at + END_SIZE + tail.readUInt16LE(at + 20) !== tail.length) {
    throw new ArchiveError('ARCHIVE_TRAILING_DATA', 'has data after its end record');
  }
  return endRecord(tail, at, tailAt);
}

function endRecord(tail: Buffer, at: number, tailAt: number): EndRecord {
  const hasLocator = at >= ZIP64_LOCATOR_SIZE && tail.readUInt32LE(at - ZIP64_LOCATOR_SIZE) === ZIP64_LOCATOR_SIGNATURE;
  const [disk, startDisk] = [tail.readUInt16LE(at + 4), tail.readUInt16LE(at + 6)];
  const [onDisk, count] = [tail.readUInt16LE(at + 8), tail.readUInt16LE(at + 10)];
  const [size, directoryAt] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
  if (hasLocator || count === IN_ZIP64.u16 || size === IN_ZIP64.u32 || directoryAt === IN_ZIP64.u32) {
    throw new ArchiveError('ARCHIVE_ZIP64', 'is in the zip64 format');
  }
  if (disk !== 0 || startDisk !== 0 || onDisk !== count) {
    throw new ArchiveError('ARCHIVE_MULTI_DISK', 'is one part of several');
  }
  const directoryEnd = tailAt + at;
  if (directoryAt + size !== directoryEnd) {
    throw new ArchiveError('ARCHIVE_DIRECTORY_PLACE', 'has a directory that does not end where its end record begins');
  }
  return { count, directoryAt, directoryEnd };
}

function findEnd(tail: Buffer): number {
  let found = -1;
  for (let at = tail.length - END_SIZE; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE) continue;
    // Two end records are two archives in one file; which one a reader takes is up to the reader.
    if (found !== -1 && tail.readUInt16LE(at + 20) + at + END_SIZE === tail.length) {
      throw new ArchiveError('ARCHIVE_SECOND_END', 'has a second end record');
    }
    if (found === -1) found = at;
  }
  if (found === -1) throw new ArchiveError('ARCHIVE_CUT_OFF', 'has no end record; it may be cut off');
  return found;
}
