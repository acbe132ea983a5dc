import { crc32, deflateRawSync } from 'node:zlib';

/** An entry as a tool without scruples would write it: every field can be a lie. */
export interface WrittenEntry {
  name: string | Buffer;
  content?: Buffer;
  /** What stands in the archive for the content; compressed from it unless given. */
  data?: Buffer;
  method?: number;
  flags?: number;
  madeBy?: number;
  attributes?: number;
  disk?: number;
  centralExtra?: Buffer;
  localExtra?: Buffer;
  central?: Partial<WrittenSizes> & { name?: string };
  local?: Partial<WrittenSizes> & { name?: string; flags?: number; method?: number };
  descriptor?: Buffer;
  /** Where the directory says that the entry begins. */
  offset?: number;
}

interface WrittenSizes {
  crc: number;
  compressed: number;
  size: number;
}

/** What the archive as a whole may lie about. */
export interface WrittenLies {
  count?: number;
  onDisk?: number;
  disk?: number;
  directorySize?: number;
  directoryOffset?: number;
  comment?: Buffer;
  commentLength?: number;
  before?: Buffer;
  betweenDirectoryAndEnd?: Buffer;
  behind?: Buffer;
}

export const MADE_ON_UNIX = 3 << 8;

/** The bytes of a zip, the truth wherever nothing else is said. */
export function writtenArchive(entries: readonly WrittenEntry[], lies: WrittenLies = {}): Buffer {
  const parts: Buffer[] = [lies.before ?? Buffer.alloc(0)];
  const directory: Buffer[] = [];
  let at = parts[0]?.length ?? 0;
  for (const entry of entries) {
    const written = writtenEntry(entry, at);
    directory.push(written.central);
    parts.push(written.local);
    at += written.local.length;
  }
  const central = Buffer.concat(directory);
  const comment = lies.comment ?? Buffer.alloc(0);
  const count = lies.count ?? entries.length;
  return Buffer.concat([
    ...parts,
    central,
    lies.betweenDirectoryAndEnd ?? Buffer.alloc(0),
    ...[u32(0x06054b50), u16(lies.disk ?? 0, lies.disk ?? 0, lies.onDisk ?? count, count)],
    ...[u32(lies.directorySize ?? central.length, lies.directoryOffset ?? at)],
    ...[u16(lies.commentLength ?? comment.length), comment, lies.behind ?? Buffer.alloc(0)],
  ]);
}

function writtenEntry(entry: WrittenEntry, at: number): { local: Buffer; central: Buffer } {
  const { content = Buffer.from('hello'), method = 8, flags = 0, madeBy = MADE_ON_UNIX, attributes = 0 } = entry;
  const data = entry.data ?? (method === 8 ? deflateRawSync(content) : content);
  const truth = { crc: crc32(content), compressed: data.length, size: content.length };
  const [inLocal, inCentral] = [
    { ...truth, flags, method, ...entry.local },
    { ...truth, ...entry.central },
  ];
  const localName = Buffer.from(entry.local?.name ?? entry.name);
  const centralName = Buffer.from(entry.central?.name ?? entry.name);
  const [localExtra, extra] = [entry.localExtra ?? Buffer.alloc(0), entry.centralExtra ?? Buffer.alloc(0)];
  const local = Buffer.concat([
    ...[u32(0x04034b50), u16(20, inLocal.flags, inLocal.method, 0, 0x21)],
    ...[u32(inLocal.crc, inLocal.compressed, inLocal.size), u16(localName.length, localExtra.length)],
    ...[localName, localExtra, data, entry.descriptor ?? Buffer.alloc(0)],
  ]);
  const central = Buffer.concat([
    ...[u32(0x02014b50), u16(madeBy | 20, 20, flags, method, 0, 0x21)],
    ...[u32(inCentral.crc, inCentral.compressed, inCentral.size), u16(centralName.length, extra.length, 0)],
    ...[u16(entry.disk ?? 0, 0), u32(attributes, entry.offset ?? at), centralName, extra],
  ]);
  return { local, central };
}

/** Numbers of two bytes, one after the other. */
export function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16LE(value, index * 2));
  return bytes;
}

/** Numbers of four bytes, one after the other. */
export function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, index * 4));
  return bytes;
}
