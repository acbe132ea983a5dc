import type { ReceivedArchive } from '../installation/hands.ts';
import { ArchiveError } from './archive-errors.ts';
import { assertExtra, type ListedEntry } from './central-directory.ts';
import { DESCRIPTOR_SIGNATURE, ENCRYPTED, HAS_DESCRIPTOR, LOCAL_SIGNATURE, LOCAL_SIZE } from './zip-format.ts';

/** Where an entry's data begins, and where the entry ends. */
export interface EntryPlace {
  dataAt: number;
  end: number;
}

/** The local header must say the same as the directory; what inflates may believe either. */
export async function readLocal(
  archive: ReceivedArchive,
  listed: ListedEntry,
  directoryAt: number,
): Promise<EntryPlace> {
  const { name, nameBytes, start, flags, method, compressedSize } = listed;
  const header = await archive.read(start, Math.min(LOCAL_SIZE, Math.max(0, directoryAt - start)));
  if (header.length < LOCAL_SIZE || header.readUInt32LE(0) !== LOCAL_SIGNATURE) {
    throw new ArchiveError('ARCHIVE_LOCAL_MISSING', 'has no local header', name);
  }
  const nameLength = header.readUInt16LE(26);
  const dataAt = start + LOCAL_SIZE + nameLength + header.readUInt16LE(28);
  const dataEnd = dataAt + compressedSize;
  if (dataEnd > directoryAt) throw new ArchiveError('ARCHIVE_OVERLAP', 'reaches into the directory', name);
  const names = await archive.read(start + LOCAL_SIZE, dataAt - start - LOCAL_SIZE);
  if (!names.subarray(0, nameLength).equals(nameBytes)) {
    throw new ArchiveError('ARCHIVE_LOCAL_NAME', 'has another name in its local header', name);
  }
  const localFlags = header.readUInt16LE(6);
  if ((localFlags & ENCRYPTED) !== 0) throw new ArchiveError('ARCHIVE_ENCRYPTED', 'is encrypted', name);
  if (header.readUInt16LE(8) !== method) {
    throw new ArchiveError('ARCHIVE_LOCAL_DIFFERS', 'has another compression in its local header', name);
  }
  assertExtra(names.subarray(nameLength), name);
  const later = (localFlags & HAS_DESCRIPTOR) !== 0;
  if (later !== ((flags & HAS_DESCRIPTOR) !== 0)) {
    throw new ArchiveError('ARCHIVE_LOCAL_DIFFERS', 'has other flags in its local header', name);
  }
  assertSizes(header, listed, later);
  return { dataAt, end: later ? await readDescriptor(archive, dataEnd, directoryAt, listed) : dataEnd };
}

function assertSizes(header: Buffer, { name, crc, compressedSize, size }: ListedEntry, later: boolean): void {
  const local = [header.readUInt32LE(14), header.readUInt32LE(18), header.readUInt32LE(22)];
  const promised = [crc, compressedSize, size];
  if (local.every((value, index) => value === promised[index] || (later && value === 0))) return;
  throw new ArchiveError('ARCHIVE_LOCAL_DIFFERS', 'has other sizes or another checksum in its local header', name);
}

/** The record behind the data of an entry whose sizes were not known when it was begun; its signature is optional. */
async function readDescriptor(
  archive: ReceivedArchive,
  at: number,
  directoryAt: number,
  { name, crc, compressedSize, size }: ListedEntry,
): Promise<number> {
  const record = await archive.read(at, Math.min(16, directoryAt - at));
  const from = record.length >= 4 && record.readUInt32LE(0) === DESCRIPTOR_SIGNATURE ? 4 : 0;
  const agrees =
    record.length >= from + 12 &&
    record.readUInt32LE(from) === crc &&
    record.readUInt32LE(from + 4) === compressedSize &&
    record.readUInt32LE(from + 8) === size;
  if (!agrees) {
    throw new ArchiveError('ARCHIVE_DESCRIPTOR', 'has other sizes or another checksum behind its data', name);
  }
  return at + from + 12;
}
