import { byteSize } from '../byte-size.ts';
import { ArchiveError } from './archive-errors.ts';
import { safeEntryName, sameNameKey } from './entry-name.ts';
import type { PackageLimits } from './package-limits.ts';

/** One file of an archive, as far as its central directory can be believed. */
export interface ArchiveEntry {
  name: string;
  directory: boolean;
  method: 'stored' | 'deflated';
  compressedSize: number;
  size: number;
  crc: number;
  /** From where to where it occupies the archive, its local header included. */
  start: number;
  end: number;
}

export interface ArchiveReading {
  entries: ArchiveEntry[];
  /** Bytes from the end record on. */
  tailSize: number;
}

export type ArchiveLimits = Pick<PackageLimits, 'entries' | 'fileBytes' | 'totalBytes' | 'ratio'>;

const END_SIGNATURE = 0x06054b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const DESCRIPTOR_SIGNATURE = 0x08074b50;
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
const END_SIZE = 22;
const CENTRAL_SIZE = 46;
const LOCAL_SIZE = 30;
const ZIP64_LOCATOR_SIZE = 20;
const LONGEST_COMMENT = 0xffff;
const ZIP64_EXTRA = 0x0001;
const UNICODE_PATH_EXTRA = 0x7075;

const ENCRYPTED = 0x0001;
const DESCRIPTOR = 0x0008;
const PATCHED = 0x0020;
const STRONG_ENCRYPTION = 0x0040;
const MASKED_HEADERS = 0x2000;

const MADE_ON_UNIX = [3, 19];
const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;
const LINK = 0o120000;
const DOS_FOLDER = 0x10;

/**
 * Reads the central directory of a zip and refuses everything that honest tools do not write (contract §3). Nothing is inflated.
 * Its time grows with the number of entries that are really there, not with what the archive claims.
 */
export function readArchive(archive: Buffer, limits: ArchiveLimits): ArchiveReading {
  const { count, offset, end } = readEnd(archive);
  if (count > limits.entries) {
    throw new ArchiveError('ARCHIVE_TOO_MANY_ENTRIES', `has ${count} entries; at most ${limits.entries} are allowed`);
  }
  const entries: ArchiveEntry[] = [];
  let at = offset;
  for (let index = 0; index < count; index += 1) {
    const { entry, next } = readCentral(archive, at, end, offset);
    entries.push(entry);
    at = next;
  }
  if (at !== end) throw corrupt('has bytes between its directory and its end record');
  assertSizes(entries, archive.length, limits);
  assertNames(entries);
  assertLayout(entries, offset);
  return { entries, tailSize: archive.length - end };
}

function corrupt(why: string, entry?: string): ArchiveError {
  return new ArchiveError('ARCHIVE_CORRUPT', why, entry);
}

/** The end record must be the last thing in the file: what follows it, another reader might read instead. */
function readEnd(archive: Buffer): { count: number; offset: number; end: number } {
  const signature = archive.length >= 4 ? archive.readUInt32LE(0) : 0;
  if (signature !== LOCAL_SIGNATURE && signature !== END_SIGNATURE) {
    throw new ArchiveError('NOT_A_ZIP', 'is not a zip file');
  }
  const end = findEnd(archive);
  const commentLength = archive.readUInt16LE(end + 20);
  if (end + END_SIZE + commentLength !== archive.length) throw corrupt('has data after its end record');
  const isZip64 =
    end >= ZIP64_LOCATOR_SIZE && archive.readUInt32LE(end - ZIP64_LOCATOR_SIZE) === ZIP64_LOCATOR_SIGNATURE;
  const [disk, startDisk] = [archive.readUInt16LE(end + 4), archive.readUInt16LE(end + 6)];
  const [onDisk, count] = [archive.readUInt16LE(end + 8), archive.readUInt16LE(end + 10)];
  const [size, offset] = [archive.readUInt32LE(end + 12), archive.readUInt32LE(end + 16)];
  if (isZip64 || count === 0xffff || size === 0xffffffff || offset === 0xffffffff) {
    throw new ArchiveError('ARCHIVE_UNSUPPORTED', 'is in the zip64 format');
  }
  if (disk !== 0 || startDisk !== 0 || onDisk !== count) {
    throw new ArchiveError('ARCHIVE_UNSUPPORTED', 'is one part of several');
  }
  if (offset + size !== end) throw corrupt('has a directory that does not end where its end record begins');
  return { count, offset, end };
}

function findEnd(archive: Buffer): number {
  const earliest = Math.max(0, archive.length - END_SIZE - LONGEST_COMMENT);
  let found = -1;
  for (let at = archive.length - END_SIZE; at >= earliest; at -= 1) {
    if (archive.readUInt32LE(at) !== END_SIGNATURE) continue;
    // Two end records are two archives in one file; which one a reader takes is up to the reader.
    if (found !== -1 && archive.readUInt16LE(at + 20) + at + END_SIZE === archive.length) {
      throw corrupt('has a second end record');
    }
    if (found === -1) found = at;
  }
  if (found === -1) throw corrupt('has no end record; it may be cut off');
  return found;
}

function readCentral(archive: Buffer, at: number, end: number, directory: number) {
  if (at + CENTRAL_SIZE > end || archive.readUInt32LE(at) !== CENTRAL_SIGNATURE) {
    throw corrupt('has a directory with fewer entries than it claims');
  }
  const madeOn = archive.readUInt16LE(at + 4) >> 8;
  const flags = archive.readUInt16LE(at + 8);
  const method = archive.readUInt16LE(at + 10);
  const crc = archive.readUInt32LE(at + 16);
  const [compressedSize, size] = [archive.readUInt32LE(at + 20), archive.readUInt32LE(at + 24)];
  const [nameLength, extraLength] = [archive.readUInt16LE(at + 28), archive.readUInt16LE(at + 30)];
  const commentLength = archive.readUInt16LE(at + 32);
  const disk = archive.readUInt16LE(at + 34);
  const attributes = archive.readUInt32LE(at + 38);
  const start = archive.readUInt32LE(at + 42);
  const nameAt = at + CENTRAL_SIZE;
  const next = nameAt + nameLength + extraLength + commentLength;
  if (next > end) throw corrupt('has a directory entry that is cut off');

  const name = safeEntryName(archive.subarray(nameAt, nameAt + nameLength));
  if ((flags & (ENCRYPTED | STRONG_ENCRYPTION | MASKED_HEADERS)) !== 0) {
    throw new ArchiveError('ARCHIVE_ENCRYPTED', 'is encrypted', name);
  }
  if ((flags & PATCHED) !== 0) throw new ArchiveError('ARCHIVE_UNSUPPORTED', 'is a patch', name);
  if (method !== 0 && method !== 8) {
    throw new ArchiveError('ARCHIVE_UNSUPPORTED', `is compressed by method ${method}`, name);
  }
  if (disk !== 0) throw new ArchiveError('ARCHIVE_UNSUPPORTED', 'is on another disk', name);
  assertExtra(archive.subarray(nameAt + nameLength, nameAt + nameLength + extraLength), name);
  if (compressedSize === 0xffffffff || size === 0xffffffff || start === 0xffffffff) {
    throw new ArchiveError('ARCHIVE_UNSUPPORTED', 'is in the zip64 format', name);
  }
  const directoryEntry = assertKind(name, madeOn, attributes, size);
  const common = { name, crc, compressedSize, size, method: method === 0 ? 'stored' : 'deflated' } as const;
  if (method === 0 && compressedSize !== size) throw corrupt('is stored, but has two sizes', name);
  const nameBytes = archive.subarray(nameAt, nameAt + nameLength);
  const entryEnd = readLocal(archive, { ...common, start, flags, methodNumber: method, nameBytes }, directory);
  const entry: ArchiveEntry = { ...common, directory: directoryEntry, start, end: entryEnd };
  return { entry, next };
}

function assertExtra(extra: Buffer, name: string): void {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    const id = extra.readUInt16LE(at);
    if (id === ZIP64_EXTRA) throw new ArchiveError('ARCHIVE_UNSUPPORTED', 'is in the zip64 format', name);
    // A second name that some readers prefer to the one we have checked.
    if (id === UNICODE_PATH_EXTRA) throw new ArchiveError('ARCHIVE_UNSUPPORTED', 'has a second name', name);
  }
}

/** Files and folders only; true for a folder. */
function assertKind(name: string, madeOn: number, attributes: number, size: number): boolean {
  const isFolder = name.endsWith('/');
  if (MADE_ON_UNIX.includes(madeOn)) {
    const type = (attributes >>> 16) & FILE_TYPE;
    if (type === LINK) throw new ArchiveError('ARCHIVE_LINK', 'is a link', name);
    if (type !== 0 && type !== REGULAR && type !== FOLDER) {
      throw new ArchiveError('ARCHIVE_LINK', 'is a device or another special file', name);
    }
    if ((type === FOLDER && !isFolder) || (type === REGULAR && isFolder)) {
      throw corrupt('is a folder and a file at once', name);
    }
  }
  if (!isFolder && (attributes & DOS_FOLDER) !== 0) throw corrupt('is a folder and a file at once', name);
  if (isFolder && size !== 0) throw corrupt('is a folder with content', name);
  return isFolder;
}

interface CentralFacts {
  name: string;
  nameBytes: Buffer;
  flags: number;
  methodNumber: number;
  crc: number;
  compressedSize: number;
  size: number;
  start: number;
}

/** The local header must say the same; what inflates may believe either. Answers where the entry ends. */
function readLocal(archive: Buffer, central: CentralFacts, directory: number): number {
  const { name, start, flags, compressedSize, size, crc } = central;
  if (start + LOCAL_SIZE > directory || archive.readUInt32LE(start) !== LOCAL_SIGNATURE) {
    throw corrupt('has no local header', name);
  }
  const localFlags = archive.readUInt16LE(start + 6);
  const nameLength = archive.readUInt16LE(start + 26);
  const extraLength = archive.readUInt16LE(start + 28);
  const dataAt = start + LOCAL_SIZE + nameLength + extraLength;
  const dataEnd = dataAt + compressedSize;
  if (dataEnd > directory) throw corrupt('reaches into the directory', name);
  const localName = archive.subarray(start + LOCAL_SIZE, start + LOCAL_SIZE + nameLength);
  if (!localName.equals(central.nameBytes)) throw corrupt('has another name in its local header', name);
  if ((localFlags & ENCRYPTED) !== 0) throw new ArchiveError('ARCHIVE_ENCRYPTED', 'is encrypted', name);
  if (archive.readUInt16LE(start + 8) !== central.methodNumber) {
    throw corrupt('has another compression in its local header', name);
  }
  assertExtra(archive.subarray(dataAt - extraLength, dataAt), name);
  const later = (localFlags & DESCRIPTOR) !== 0;
  if (later !== ((flags & DESCRIPTOR) !== 0)) throw corrupt('has other flags in its local header', name);
  const local = [archive.readUInt32LE(start + 14), archive.readUInt32LE(start + 18), archive.readUInt32LE(start + 22)];
  const promised = [crc, compressedSize, size];
  const agrees = local.every((value, index) => value === promised[index] || (later && value === 0));
  if (!agrees) throw corrupt('has other sizes or another checksum in its local header', name);
  return later ? readDescriptor(archive, dataEnd, directory, central) : dataEnd;
}

/** The record behind the data of an entry whose sizes were not known when it was begun; its signature is optional. */
function readDescriptor(archive: Buffer, at: number, directory: number, central: CentralFacts): number {
  const { name, crc, compressedSize, size } = central;
  const signed = at + 4 <= directory && archive.readUInt32LE(at) === DESCRIPTOR_SIGNATURE;
  const from = signed ? at + 4 : at;
  if (from + 12 > directory) throw corrupt('has no data descriptor', name);
  const agrees =
    archive.readUInt32LE(from) === crc &&
    archive.readUInt32LE(from + 4) === compressedSize &&
    archive.readUInt32LE(from + 8) === size;
  if (!agrees) throw corrupt('has other sizes or another checksum behind its data', name);
  return from + 12;
}

function assertSizes(entries: ArchiveEntry[], archiveBytes: number, limits: ArchiveLimits): void {
  let total = 0;
  for (const { name, size } of entries) {
    if (size > limits.fileBytes) {
      throw new ArchiveError(
        'ARCHIVE_ENTRY_TOO_LARGE',
        `is larger than ${byteSize(limits.fileBytes)}, the most that is allowed`,
        name,
      );
    }
    total += size;
  }
  if (total > limits.totalBytes) {
    throw new ArchiveError(
      'ARCHIVE_TOTAL_TOO_LARGE',
      `holds more than ${byteSize(limits.totalBytes)}, the most that is allowed`,
    );
  }
  if (total > archiveBytes * limits.ratio) {
    throw new ArchiveError('ARCHIVE_RATIO', `is compressed more than ${limits.ratio}:1`);
  }
}

function assertNames(entries: ArchiveEntry[]): void {
  const seen = new Map<string, ArchiveEntry>();
  for (const entry of entries) {
    const key = sameNameKey(entry.name);
    if (seen.has(key)) throw new ArchiveError('ARCHIVE_DUPLICATE_NAME', 'is there twice', entry.name);
    seen.set(key, entry);
  }
  for (const { name } of entries) {
    const parts = sameNameKey(name).split('/');
    for (let length = 1; length < parts.length; length += 1) {
      if (seen.get(parts.slice(0, length).join('/'))?.directory === false) {
        throw new ArchiveError('ARCHIVE_DUPLICATE_NAME', 'lies in something that is a file', name);
      }
    }
  }
}

/** One after the other from the first byte to the directory: nothing shared, nothing hidden in between. */
function assertLayout(entries: ArchiveEntry[], directory: number): void {
  let at = 0;
  for (const { name, start, end } of entries.toSorted((a, b) => a.start - b.start)) {
    if (start < at) throw corrupt('overlaps another one', name);
    if (start > at) throw corrupt('has unknown bytes before it', name);
    at = end;
  }
  if (at !== directory) throw corrupt('has unknown bytes before its directory');
}
