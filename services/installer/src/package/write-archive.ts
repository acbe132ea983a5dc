import { crc32, deflateRawSync } from 'node:zlib';
import type { PackageFiles } from './unpack.ts';

/** 1980-01-01, the earliest a zip knows: the same files give the same bytes, whenever they are written. */
const DATE = 0x21;
const VERSION = 20;
const UTF8_NAMES = 0x0800;
const MADE_ON_UNIX = 3 << 8;
const PLAIN_FILE = (0o100644 << 16) >>> 0;

/** A zip of these files, in the order of their names; equal files give equal bytes. */
export function writeArchive(files: PackageFiles): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  const sorted = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [path, bytes] of sorted) {
    const name = Buffer.from(path, 'utf8');
    const deflated = deflateRawSync(bytes, { level: 6 });
    const [method, data] = deflated.length < bytes.length ? [8, deflated] : [0, bytes];
    const facts = factsOf(method, crc32(bytes), data.length, bytes.length, name.length);
    const local = Buffer.concat([u32(0x04034b50), facts, name]);
    directory.push(
      Buffer.concat([u32(0x02014b50), u16(MADE_ON_UNIX | VERSION), facts]),
      Buffer.concat([u16(0), u16(0), u16(0), u32(PLAIN_FILE), u32(offset), name]),
    );
    parts.push(local, data);
    offset += local.length + data.length;
  }
  const central = Buffer.concat(directory);
  const count = u16(sorted.length);
  const end = Buffer.concat([u32(0x06054b50), u32(0), count, count, u32(central.length), u32(offset), u16(0)]);
  return Buffer.concat([...parts, central, end]);
}

/** What local header and directory say alike. */
function factsOf(method: number, crc: number, compressed: number, size: number, nameLength: number): Buffer {
  return Buffer.concat([
    ...[u16(VERSION), u16(UTF8_NAMES), u16(method), u16(0), u16(DATE)],
    ...[u32(crc), u32(compressed), u32(size), u16(nameLength), u16(0)],
  ]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
