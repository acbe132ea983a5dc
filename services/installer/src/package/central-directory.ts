import { ArchiveError } from './archive-errors.ts';
import { safeEntryName } from './entry-name.ts';
import {
  CENTRAL_SIGNATURE,
  CENTRAL_SIZE,
  DEFLATED,
  ENCRYPTED,
  IN_ZIP64,
  MASKED_HEADERS,
  PATCHED,
  STORED,
  STRONG_ENCRYPTION,
} from './zip-format.ts';

/** What the central directory says of an entry. */
export interface ListedEntry {
  name: string;
  nameBytes: Buffer;
  /** Whether it is a folder. */
  folder: boolean;
  flags: number;
  method: number;
  crc: number;
  compressedSize: number;
  size: number;
  /** Where its local header begins. */
  start: number;
}

const ZIP64_EXTRA = 0x0001;
const UNICODE_PATH_EXTRA = 0x7075;

const MADE_ON_UNIX = [3, 19];
const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;
const LINK = 0o120000;
const DOS_FOLDER = 0x10;

/** The entries of a central directory, in its order; refuses whatever honest tools do not write. */
export function readDirectory(directory: Buffer, count: number): ListedEntry[] {
  const entries: ListedEntry[] = [];
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const { entry, next } = readListed(directory, at);
    entries.push(entry);
    at = next;
  }
  if (at !== directory.length) {
    throw new ArchiveError('ARCHIVE_DIRECTORY_COUNT', 'has bytes between its directory and its end record');
  }
  return entries;
}

function readListed(directory: Buffer, at: number): { entry: ListedEntry; next: number } {
  if (at + CENTRAL_SIZE > directory.length || directory.readUInt32LE(at) !== CENTRAL_SIGNATURE) {
    throw new ArchiveError('ARCHIVE_DIRECTORY_COUNT', 'has a directory with fewer entries than it claims');
  }
  const nameLength = directory.readUInt16LE(at + 28);
  const extraAt = at + CENTRAL_SIZE + nameLength;
  const commentAt = extraAt + directory.readUInt16LE(at + 30);
  const next = commentAt + directory.readUInt16LE(at + 32);
  if (next > directory.length) {
    throw new ArchiveError('ARCHIVE_DIRECTORY_COUNT', 'has a directory entry that is cut off');
  }
  const nameBytes = directory.subarray(extraAt - nameLength, extraAt);
  const name = safeEntryName(nameBytes);
  const entry = {
    ...{ name, nameBytes, flags: directory.readUInt16LE(at + 8), method: directory.readUInt16LE(at + 10) },
    ...{ crc: directory.readUInt32LE(at + 16), compressedSize: directory.readUInt32LE(at + 20) },
    ...{ size: directory.readUInt32LE(at + 24), start: directory.readUInt32LE(at + 42) },
  };
  assertUnderstood(entry, directory.readUInt16LE(at + 34));
  assertExtra(directory.subarray(extraAt, commentAt), name);
  const madeOn = directory.readUInt16LE(at + 4) >> 8;
  const folder = isFolder(entry, madeOn, directory.readUInt32LE(at + 38));
  return { entry: { ...entry, folder }, next };
}

function assertUnderstood(entry: Omit<ListedEntry, 'folder'>, disk: number): void {
  const { name, flags, method, compressedSize, size, start } = entry;
  if ((flags & (ENCRYPTED | STRONG_ENCRYPTION | MASKED_HEADERS)) !== 0) {
    throw new ArchiveError('ARCHIVE_ENCRYPTED', 'is encrypted', name);
  }
  if ((flags & PATCHED) !== 0) throw new ArchiveError('ARCHIVE_PATCH', 'is a patch of another file', name);
  if (method !== STORED && method !== DEFLATED) {
    throw new ArchiveError('ARCHIVE_COMPRESSION', `is compressed by method ${method}; use deflate`, name);
  }
  if ([compressedSize, size, start].includes(IN_ZIP64.u32)) {
    throw new ArchiveError('ARCHIVE_ZIP64', 'is in the zip64 format', name);
  }
  if (disk !== 0) throw new ArchiveError('ARCHIVE_MULTI_DISK', 'is on another disk', name);
  if (method === STORED && compressedSize !== size) {
    throw new ArchiveError('ARCHIVE_STORED_SIZES', 'is stored, but has two sizes', name);
  }
}

/** The fields an entry has beyond the format's own, in the directory or in its local header. */
export function assertExtra(extra: Buffer, name: string): void {
  let at = 0;
  while (at + 4 <= extra.length) {
    const id = extra.readUInt16LE(at);
    if (id === ZIP64_EXTRA) throw new ArchiveError('ARCHIVE_ZIP64', 'is in the zip64 format', name);
    // A second name that some readers prefer to the one we have checked.
    if (id === UNICODE_PATH_EXTRA) throw new ArchiveError('ARCHIVE_SECOND_NAME', 'has a second name', name);
    at += 4 + extra.readUInt16LE(at + 2);
  }
  // Some tools fill up with zeros to align what follows.
  if (at !== extra.length && (at > extra.length || extra.subarray(at).some((byte) => byte !== 0))) {
    throw new ArchiveError('ARCHIVE_EXTRA_FIELD', 'has an extra field that is cut off', name);
  }
}

/** Files and folders only. */
function isFolder({ name, size }: Pick<ListedEntry, 'name' | 'size'>, madeOn: number, attributes: number): boolean {
  const folder = name.endsWith('/');
  const unclear = () => new ArchiveError('ARCHIVE_KIND_UNCLEAR', 'is a folder and a file at once', name);
  if (MADE_ON_UNIX.includes(madeOn)) {
    const type = (attributes >>> 16) & FILE_TYPE;
    if (type === LINK) throw new ArchiveError('ARCHIVE_LINK', 'is a link', name);
    if (type !== 0 && type !== REGULAR && type !== FOLDER) {
      throw new ArchiveError('ARCHIVE_SPECIAL_FILE', 'is a device or another special file', name);
    }
    if ((type === FOLDER && !folder) || (type === REGULAR && folder)) throw unclear();
  }
  if (!folder && (attributes & DOS_FOLDER) !== 0) throw unclear();
  if (folder && size !== 0) throw new ArchiveError('ARCHIVE_FOLDER_CONTENT', 'is a folder with content', name);
  return folder;
}
