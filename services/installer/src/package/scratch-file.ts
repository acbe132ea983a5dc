import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReceivedArchive } from '../installation/hands.ts';

const PIECE_BYTES = 64 * 1024;

/**
 * A file that has lost its name as soon as it was made: however its process ends, nothing of it stays on disk.
 * It is written once from front to back, and summed up meanwhile.
 */
export class ScratchFile implements ReceivedArchive {
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  #size = 0;
  #copying: Buffer | undefined;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  static async open(folder: string): Promise<ScratchFile> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${randomUUID()}.part`);
    const handle = await open(path, 'wx+', 0o600);
    try {
      await rm(path);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new ScratchFile(handle);
  }

  get size(): number {
    return this.#size;
  }

  get checksum(): string {
    return `sha256:${this.#hash.copy().digest('hex')}`;
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, written, bytes.length - written, this.#size);
      written += bytesWritten;
      this.#size += bytesWritten;
    }
  }

  /** Appends what another file has from there to there, all of it through one buffer: what is thrown away is not collected at once. */
  async appendPart(from: ReceivedArchive, at: number, to: number): Promise<void> {
    this.#copying ??= Buffer.allocUnsafeSlow(PIECE_BYTES);
    for (let next = at; next < to; next += PIECE_BYTES) {
      await this.append(await from.readInto(this.#copying.subarray(0, Math.min(PIECE_BYTES, to - next)), next));
    }
  }

  /** So many bytes from there on; fewer only where the file ends. */
  read(at: number, length: number): Promise<Buffer> {
    return this.readInto(Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, this.#size - at))), at);
  }

  /** Fills a buffer from there on, and gives the part of it that was filled. */
  async readInto(buffer: Buffer, at: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(buffer.length, this.#size - at));
    let read = 0;
    while (read < wanted) {
      const { bytesRead } = await this.#handle.read(buffer, read, wanted - read, at + read);
      if (bytesRead === 0) throw new Error(`A scratch file ended at ${at + read} of ${this.#size} bytes`);
      read += bytesRead;
    }
    return buffer.subarray(0, wanted);
  }

  async *pieces(from = 0, to = this.#size, pieceBytes = PIECE_BYTES): AsyncGenerator<Buffer, void, undefined> {
    for (let at = from; at < to; at += pieceBytes) yield await this.read(at, Math.min(pieceBytes, to - at));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** A scratch file for as long as the work with it takes. */
export async function withScratchFile<T>(folder: string, work: (file: ScratchFile) => Promise<T>): Promise<T> {
  const file = await ScratchFile.open(folder);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
