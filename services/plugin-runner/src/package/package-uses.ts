import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Which packages the runners on this machine use: each says so in a file of its own. One that was killed says nothing any more, and
 * is believed for a while only; the id of its process would mean nothing in another container.
 */
export class PackageUses {
  readonly #folder: string;
  readonly #believedForMs: number;
  readonly #own: string;
  /** Digests in use here, since when they were last seen to be. */
  readonly #seen = new Map<string, number>();
  /** The same digests, since when the file of this runner says so. */
  readonly #saidAt = new Map<string, number>();
  #saying: Promise<void> = Promise.resolve();

  private constructor(folder: string, believedForMs: number) {
    this.#folder = folder;
    this.#believedForMs = believedForMs;
    this.#own = join(folder, `${process.pid}-${randomUUID()}.json`);
  }

  /** What is said there is believed for `believedForMs`, and must be said again before. */
  static async open(folder: string, believedForMs: number): Promise<PackageUses> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new PackageUses(folder, believedForMs);
  }

  /** Says that these are in use, beside what was said a short while ago. */
  say(digests: Iterable<string>): Promise<void> {
    const now = Date.now();
    for (const digest of digests) this.#seen.set(digest, now);
    for (const [digest, seenAt] of this.#seen) if (now - seenAt > this.#believedForMs) this.#seen.delete(digest);
    const saying = this.#saying.then(
      () => this.#write(),
      () => this.#write(),
    );
    this.#saying = saying;
    return saying;
  }

  /** Resolves when every runner knows that this one is in use, and will for a while. */
  async use(digest: string): Promise<void> {
    const saidAt = this.#saidAt.get(digest);
    const isSaid = saidAt !== undefined && Date.now() - saidAt < this.#believedForMs / 2;
    if (isSaid) this.#seen.set(digest, Date.now());
    else await this.say([digest]);
  }

  /** What any runner has in use. */
  async all(): Promise<Set<string>> {
    // A process that was held up has a file that is too old to be believed; what it uses it knows all the same.
    const used = new Set(this.#seen.keys());
    for (const name of await readdir(this.#folder)) {
      const file = join(this.#folder, name);
      if (file === this.#own) continue;
      try {
        if (Date.now() - (await stat(file)).mtimeMs > this.#believedForMs) await rm(file, { force: true });
        else for (const digest of JSON.parse(await readFile(file, 'utf8')) as string[]) used.add(digest);
      } catch (error) {
        // It has just been replaced or removed by its runner; half-written ones do not exist.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    return used;
  }

  async close(): Promise<void> {
    await this.#saying.catch(() => undefined);
    await rm(this.#own, { force: true });
  }

  async #write(): Promise<void> {
    const half = join(this.#folder, '..', `${randomUUID()}.part`);
    const said = [...this.#seen.keys()];
    const now = Date.now();
    await writeFile(half, JSON.stringify(said));
    await rename(half, this.#own);
    this.#saidAt.clear();
    for (const digest of said) this.#saidAt.set(digest, now);
  }
}
