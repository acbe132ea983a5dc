import { crc32 } from 'node:zlib';
import unzipper, { type CentralDirectory, type File } from 'unzipper';
import { ArchiveError } from './archive-errors.ts';
import type { PackageLimits } from './package-limits.ts';
import { readArchive, type ArchiveEntry } from './read-archive.ts';

/** Files by their path in the package. */
export type PackageFiles = Map<string, Buffer>;

/** The option is not in its types; without it, a comment at the end would hide the end record. */
const openAt = unzipper.Open.buffer as (archive: Buffer, options: { tailSize: number }) => Promise<CentralDirectory>;

/** A deflate stream that stops without an end would keep its reader waiting. */
const ENTRY_DEADLINE_MS = 30_000;

/** The files of an archive that the strict reader has accepted, each counted and checked while it is inflated. */
export async function unpack(archive: Buffer, limits: PackageLimits): Promise<PackageFiles> {
  const { entries, tailSize } = readArchive(archive, limits);
  const directory = await openAt(archive, { tailSize });
  const byPath = new Map(directory.files.map((file) => [file.path, file]));
  const files: PackageFiles = new Map();
  for (const entry of entries) {
    if (entry.directory) continue;
    const file = byPath.get(entry.name);
    // Two readers of one archive must have seen the same.
    if (file?.offsetToLocalFileHeader !== entry.start) {
      throw new ArchiveError('ARCHIVE_CORRUPT', 'is read differently by different tools', entry.name);
    }
    files.set(entry.name, await inflate(file, entry));
  }
  return withoutTopFolder(files);
}

async function inflate(file: File, entry: ArchiveEntry): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let [size, crc] = [0, 0];
  // Empty entries have no data to wait for, and unzipper would wait for a descriptor.
  if (entry.compressedSize > 0) {
    const stream = file.stream();
    const timer = setTimeout(() => stream.destroy(new Error('it takes too long')), ENTRY_DEADLINE_MS);
    try {
      for await (const piece of stream as AsyncIterable<Buffer>) {
        size += piece.length;
        if (size > entry.size) break;
        crc = crc32(piece, crc);
        pieces.push(piece);
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ArchiveError('ARCHIVE_CORRUPT', `cannot be unpacked: ${why}`, entry.name);
    } finally {
      clearTimeout(timer);
    }
  }
  if (size > entry.size) throw new ArchiveError('ARCHIVE_CORRUPT', 'is larger than declared', entry.name);
  if (size < entry.size) throw new ArchiveError('ARCHIVE_CORRUPT', 'is smaller than declared', entry.name);
  if (crc !== entry.crc) throw new ArchiveError('ARCHIVE_CORRUPT', 'has a wrong checksum', entry.name);
  return Buffer.concat(pieces, size);
}

/** One folder around everything is unwrapped (contract §3). */
function withoutTopFolder(files: PackageFiles): PackageFiles {
  if (files.has('manifest.json')) return files;
  const tops = new Set([...files.keys()].map((name) => name.slice(0, name.indexOf('/') + 1)));
  const [top] = tops;
  if (tops.size !== 1 || top === undefined || top === '') return files;
  return new Map([...files].map(([name, bytes]) => [name.slice(top.length), bytes]));
}
