import { promisify } from 'node:util';
import { crc32, deflateRaw } from 'node:zlib';
import type { ReceivedArchive } from '../installation/hands.ts';
import type { ScratchFile } from './scratch-file.ts';
import { CENTRAL_SIGNATURE, DEFLATED, END_SIGNATURE, LOCAL_SIGNATURE, STORED, UTF8_NAMES } from './zip-format.ts';

/** 1980-01-01, the earliest a zip knows: the same files give the same bytes, whenever they are written. */
const DATE = 0x21;
const VERSION = 20;
const MADE_ON_UNIX = 3 << 8;
const PLAIN_FILE = (0o100644 << 16) >>> 0;

export interface CompressedFile {
  method: number;
  crc: number;
  compressedSize: number;
  size: number;
}

const deflated = promisify(deflateRaw);

/** Writes a zip that says of its files nothing but what they hold; one piece of one of them is in memory at a time. */
export class ArchiveWriter {
  readonly #file: ScratchFile;
  readonly #directory: Buffer[] = [];

  constructor(file: ScratchFile) {
    this.#file = file;
  }

  /** A file that lies compressed in another archive, from there to there. */
  async add(path: string, facts: CompressedFile, from: ReceivedArchive, at: number): Promise<void> {
    await this.#begin(path, facts);
    await this.#file.appendPart(from, at, at + facts.compressedSize);
  }

  async addBytes(path: string, bytes: Buffer): Promise<void> {
    const smaller = await deflated(bytes);
    const [method, data] = smaller.length < bytes.length ? [DEFLATED, smaller] : [STORED, bytes];
    await this.#begin(path, { method, crc: crc32(bytes), compressedSize: data.length, size: bytes.length });
    await this.#file.append(data);
  }

  async #begin(path: string, facts: CompressedFile): Promise<void> {
    const name = Buffer.from(path, 'utf8');
    const common = commonFacts(facts, name.length);
    const offset = this.#file.size;
    await this.#file.append(Buffer.concat([u32(LOCAL_SIGNATURE), common, name]));
    this.#directory.push(
      Buffer.concat([u32(CENTRAL_SIGNATURE), u16(MADE_ON_UNIX | VERSION), common]),
      Buffer.concat([u16(0), u16(0), u16(0), u32(PLAIN_FILE), u32(offset), name]),
    );
  }

  /** Writes the directory; nothing can be added any more. */
  async finish(): Promise<void> {
    const directory = Buffer.concat(this.#directory);
    const count = u16(this.#directory.length / 2);
    const place = [u32(directory.length), u32(this.#file.size)];
    await this.#file.append(Buffer.concat([directory, u32(END_SIGNATURE), u32(0), count, count, ...place, u16(0)]));
  }
}

/** What local header and directory say alike. */
function commonFacts({ method, crc, compressedSize, size }: CompressedFile, nameLength: number): Buffer {
  return Buffer.concat([
    ...[u16(VERSION), u16(UTF8_NAMES), u16(method), u16(0), u16(DATE)],
    ...[u32(crc), u32(compressedSize), u32(size), u16(nameLength), u16(0)],
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
