import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import unzipper, { type CentralDirectory, type File } from 'unzipper';
import type { ReceivedArchive } from '../installation/hands.ts';
import { ArchiveError } from './archive-errors.ts';
import type { PackageLimits } from './package-limits.ts';
import { readArchive, type ArchiveEntry } from './read-archive.ts';
import { DEFLATED } from './zip-format.ts';

interface Source {
  size: () => Promise<number>;
  stream: (offset: number, length?: number) => Readable;
}

/** The option is not in its types; without it, a comment at the end would hide the end record. */
const openAt = unzipper.Open.custom as (source: Source, options: { tailSize: number }) => Promise<CentralDirectory>;

/** What Macs add to every zip about files that are not there. */
const MAC_NOTES = '__MACOSX/';

/** What unzipper inflates with: it counts what it has used up. */
type Inflater = Readable & { bytesWritten: number };

interface PackageFile {
  entry: ArchiveEntry;
  file: File;
}

/** The files of an archive that the strict reader has accepted, by their path in the package; inflated when they are asked for. */
export class PackageFiles {
  readonly #source: ArchiveSource;
  readonly #files: ReadonlyMap<string, PackageFile>;
  readonly #signal: AbortSignal;

  private constructor(source: ArchiveSource, files: ReadonlyMap<string, PackageFile>, signal: AbortSignal) {
    this.#source = source;
    this.#files = files;
    this.#signal = signal;
  }

  static async open(archive: ReceivedArchive, limits: PackageLimits, signal: AbortSignal): Promise<PackageFiles> {
    const { entries, tailSize } = await readArchive(archive, limits);
    const source = new ArchiveSource(archive);
    try {
      const directory = await openAt(source, { tailSize });
      const byPath = new Map(directory.files.map((file) => [file.path, file]));
      const files = entries.filter(({ folder }) => !folder).map((entry) => pairOf(entry, byPath.get(entry.name)));
      return new PackageFiles(source, inPackage(files), signal);
    } finally {
      source.closeStreams();
    }
  }

  /** In one order, whatever the order in the archive. */
  get paths(): string[] {
    return [...this.#files.keys()].sort();
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  entry(path: string): ArchiveEntry {
    return this.#found(path).entry;
  }

  /** Inflates a file; throws unless it is what was declared, byte for byte. */
  async check(path: string): Promise<void> {
    for await (const _ of this.#inflated(this.#found(path))) {
      // Counted and summed up on its way.
    }
  }

  async read(path: string): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of this.#inflated(this.#found(path))) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  #found(path: string): PackageFile {
    const found = this.#files.get(path);
    if (found === undefined) throw new Error(`The package has no ${path}`);
    return found;
  }

  async *#inflated({ entry, file }: PackageFile): AsyncGenerator<Buffer, void, undefined> {
    this.#signal.throwIfAborted();
    let [size, crc] = [0, 0];
    // Empty entries have no data to wait for, and unzipper would wait for a descriptor.
    if (entry.compressedSize > 0) {
      for await (const piece of this.#stream({ entry, file })) {
        size += piece.length;
        if (size > entry.size) throw new ArchiveError('ARCHIVE_SIZE_EXCEEDED', 'is larger than declared', entry.name);
        crc = crc32(piece, crc);
        yield piece;
      }
    }
    if (size < entry.size) throw new ArchiveError('ARCHIVE_SIZE_SHORT', 'is smaller than declared', entry.name);
    if (crc !== entry.crc) throw new ArchiveError('ARCHIVE_WRONG_CRC', 'has a wrong checksum', entry.name);
  }

  async *#stream({ entry, file }: PackageFile): AsyncGenerator<Buffer, void, undefined> {
    const stream = file.stream();
    let inflater: Inflater | undefined;
    stream.once('pipe', (from: Readable) => (inflater = from as Inflater));
    // A deflate stream that stops without an end would keep its reader waiting.
    const stop = () => stream.destroy(new Error('it takes too long'));
    this.#signal.addEventListener('abort', stop);
    try {
      yield* stream as AsyncIterable<Buffer>;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ArchiveError('ARCHIVE_INFLATE_FAILED', `cannot be unpacked: ${why}`, entry.name);
    } finally {
      this.#signal.removeEventListener('abort', stop);
      inflater?.destroy();
      this.#source.closeStreams();
    }
    if (entry.method === DEFLATED && inflater?.bytesWritten !== entry.compressedSize) {
      throw new ArchiveError('ARCHIVE_DEFLATE_TRAILING', 'has data behind the end of its compressed data', entry.name);
    }
  }
}

/** What unzipper reads from, and what of it is still open. */
class ArchiveSource implements Source {
  readonly #archive: ReceivedArchive;
  readonly #streams = new Set<Readable>();

  constructor(archive: ReceivedArchive) {
    this.#archive = archive;
  }

  size = (): Promise<number> => Promise.resolve(this.#archive.size);

  stream = (offset: number, length?: number): Readable => {
    const end = length === undefined ? this.#archive.size : Math.min(this.#archive.size, offset + length);
    const stream = Readable.from(this.#archive.pieces(offset, end), { objectMode: false });
    this.#streams.add(stream);
    return stream;
  };

  /** unzipper leaves them open when it stops in the middle. */
  closeStreams(): void {
    for (const stream of this.#streams) stream.destroy();
    this.#streams.clear();
  }
}

/** Two readers of one archive must have seen the same; of what the strict one accepts, they do, or one of them has a fault. */
function pairOf(entry: ArchiveEntry, file: File | undefined): PackageFile {
  if (file?.offsetToLocalFileHeader !== entry.start) {
    throw new Error(`unzipper reads the entry at ${entry.start} of an accepted archive differently`);
  }
  return { entry, file };
}

/** One folder around everything is unwrapped (contract §3). */
function inPackage(files: PackageFile[]): Map<string, PackageFile> {
  const own = files.filter(({ entry }) => !entry.name.startsWith(MAC_NOTES));
  const top = own.some(({ entry }) => entry.name === 'manifest.json') ? '' : topFolder(own);
  return new Map(own.map((file) => [file.entry.name.slice(top.length), file]));
}

function topFolder(files: PackageFile[]): string {
  const tops = new Set(files.map(({ entry: { name } }) => name.slice(0, name.indexOf('/') + 1)));
  const [top = ''] = tops;
  return tops.size === 1 ? top : '';
}
