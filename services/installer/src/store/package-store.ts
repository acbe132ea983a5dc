import { compareVersions } from '@verifywise/contracts';
import type { DataSource } from 'typeorm';
import type { Packages, ReceivedArchive, StoredPackage } from '../installation/hands.ts';
import { PackageTable, type PackageRow } from './tables.ts';

/** Small enough that a piece as text on the wire is no burden, large enough that 50 MB are few of them. */
const PIECE_BYTES = 256 * 1024;

/** Of the packages that are old enough to go, one look takes so many. */
const FORGET_AT_ONCE = 1_000;
/** Being asked for need not be noted again and again. */
const NOTED_FOR = `interval '1 hour'`;

/** Every package that a tenant has, could roll back to, or is about to have. */
const IN_USE = `SELECT package->>'digest' FROM installations
  UNION ALL SELECT previous->'package'->>'digest' FROM installations WHERE previous IS NOT NULL
  UNION ALL SELECT target->'package'->>'digest' FROM installations WHERE target IS NOT NULL
  UNION ALL SELECT unnest(ARRAY[progress->'package'->>'digest', input->>'uploaded']) FROM operations WHERE finished_at IS NULL`;

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
    if (row === undefined) return null;
    // From here on it is wanted; one that was removed a moment ago is not found.
    await this.#source.query(
      `UPDATE packages SET wanted_at = now() WHERE digest = $1 AND wanted_at < now() - ${NOTED_FOR}`,
      [row.digest],
    );
    return this.find(row.digest);
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
        await manager.query('UPDATE packages SET builtin = builtin OR $2, wanted_at = now() WHERE digest = $1', [
          digest,
          builtin,
        ]);
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

  /** Removes some of what no tenant has and nobody has asked for in so many days; answers how many. */
  async forgetUnwanted(keptDays: number): Promise<number> {
    const isOld = `NOT builtin AND wanted_at < now() - $1 * interval '1 day'`;
    const rows = await this.#source.query<{ digest: string }[]>(
      `SELECT digest FROM packages WHERE ${isOld} ORDER BY wanted_at LIMIT ${FORGET_AT_ONCE}`,
      [keptDays],
    );
    if (rows.length === 0) return 0;
    const old = rows.map(({ digest }) => digest);
    // Looked for among all installations once in so many days, not at every look.
    await this.#source.query(`UPDATE packages SET wanted_at = now() WHERE digest = ANY($1) AND digest IN (${IN_USE})`, [
      old,
    ]);
    const [, removed] = await this.#source.query<[unknown[], number]>(
      `DELETE FROM packages WHERE digest = ANY($2) AND ${isOld}`,
      [keptDays, old],
    );
    return removed;
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
