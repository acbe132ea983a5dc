import { compareVersions } from '@verifywise/contracts';
import type { DataSource } from 'typeorm';
import type { Packages, ReceivedArchive, StoredPackage } from '../installation/hands.ts';
import { PackageTable, type PackageRow } from './tables.ts';

/** Small enough that a piece as text on the wire is no burden, large enough that 50 MB are few of them. */
const PIECE_BYTES = 256 * 1024;

export type NewPackage = Omit<StoredPackage, 'digest' | 'size'> & { bytes: ReceivedArchive; builtin: boolean };

/** Packages by the digest of their bytes, in pieces in PostgreSQL, so that every replica has them. */
export class PackageStore implements Packages {
  readonly #source: DataSource;

  constructor(source: DataSource) {
    this.#source = source;
  }

  async find(digest: string): Promise<StoredPackage | null> {
    const row = await this.#source.getRepository(PackageTable).findOneBy({ digest });
    return row === null ? null : packageOf(row);
  }

  /** The package that was made from an archive with this checksum before. */
  async findBySource(sourceChecksum: string): Promise<StoredPackage | null> {
    const [row] = await this.#source.query<{ digest: string }[]>(
      'SELECT digest FROM package_sources WHERE checksum = $1',
      [sourceChecksum],
    );
    return row === undefined ? null : this.find(row.digest);
  }

  async builtins(): Promise<StoredPackage[]> {
    const rows = await this.#source.getRepository(PackageTable).findBy({ builtin: true });
    const newest = new Map<string, StoredPackage>();
    for (const row of rows) {
      const known = newest.get(row.manifest.id);
      if (known !== undefined && compareVersions(known.manifest.version, row.manifest.version) >= 0) continue;
      newest.set(row.manifest.id, packageOf(row));
    }
    return [...newest.values()];
  }

  /** Stores the bytes under their digest, a piece at a time; what is stored already is found. */
  async save({ bytes, manifest, hasCode, warnings, sourceChecksum, builtin }: NewPackage): Promise<StoredPackage> {
    const { checksum: digest, size } = bytes;
    await this.#source.transaction(async (manager) => {
      const inserted = await manager.query<unknown[]>(
        `INSERT INTO packages (digest, size, manifest, has_code, warnings, source_checksum, builtin)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (digest) DO NOTHING RETURNING digest`,
        [digest, size, JSON.stringify(manifest), hasCode, JSON.stringify(warnings), sourceChecksum, builtin],
      );
      // Two archives of the same files make one package.
      await manager.query(
        `INSERT INTO package_sources (checksum, digest) VALUES ($1, $2) ON CONFLICT (checksum) DO UPDATE SET digest = $2`,
        [sourceChecksum, digest],
      );
      if (inserted.length === 0) {
        if (builtin) await manager.query('UPDATE packages SET builtin = true WHERE digest = $1', [digest]);
        return;
      }
      let position = 0;
      for await (const piece of bytes.pieces(0, size, PIECE_BYTES)) {
        await manager.query('INSERT INTO package_pieces (digest, position, bytes) VALUES ($1, $2, $3)', [
          digest,
          position,
          piece,
        ]);
        position += 1;
      }
    });
    return { digest, size, manifest, hasCode, warnings, sourceChecksum };
  }

  /** Those that ship with the platform now; what shipped before stays for those who have it. */
  async setBuiltins(digests: string[]): Promise<void> {
    await this.#source.query('UPDATE packages SET builtin = (digest = ANY($1)) WHERE builtin OR digest = ANY($1)', [
      digests,
    ]);
  }

  /** The bytes piece by piece, in order. */
  async *read(digest: string): AsyncGenerator<Buffer> {
    for (let position = 0; ; position += 1) {
      const [piece] = await this.#source.query<{ bytes: Buffer }[]>(
        'SELECT bytes FROM package_pieces WHERE digest = $1 AND position = $2',
        [digest, position],
      );
      if (piece === undefined) return;
      yield piece.bytes;
    }
  }
}

function packageOf({ builtin: _, ...stored }: PackageRow): StoredPackage {
  return stored;
}
