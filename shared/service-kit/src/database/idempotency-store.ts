import { randomUUID } from 'node:crypto';
import type { IdempotentAnswers, RequestKey } from '../http/idempotent-answers.ts';
import type { Database } from './open-database.ts';

/** Clients that retry do so within a day. */
const KEPT_FOR = '24 hours';
/** A process that died holds its requests no longer than this; one that lives extends its claims three times as often. */
const HELD_FOR = '20 seconds';
/** How often expired rows are removed. */
const SWEEP_MS = 10 * 60_000;

interface Row {
  fingerprint: string;
  status: number | null;
  headers: Record<string, string> | null;
  body: Buffer | null;
}

const WHERE_REQUEST = 'tenant = $1 AND key = $2 AND method = $3 AND path = $4';

function keyOf({ tenant, key, method, path }: RequestKey): string[] {
  return [tenant, key, method, path];
}

/** Answers by Idempotency-Key in the service's schema. Needs IdempotencyMigration. */
export function idempotencyStore({ source }: Database): IdempotentAnswers {
  let sweptAt = -Infinity;
  const sweep = async () => {
    if (performance.now() - sweptAt < SWEEP_MS) return;
    sweptAt = performance.now();
    await source.query('DELETE FROM idempotency_keys WHERE expires_at < now()');
  };

  return {
    async claim(request, fingerprint) {
      await sweep();
      const claim = randomUUID();
      // One statement, so that of two at the same moment exactly one gets it: new, expired, or left behind by a dead process.
      const won = await source.query<unknown[]>(
        `INSERT INTO idempotency_keys AS known (tenant, key, method, path, fingerprint, claim, held_until, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, now() + interval '${HELD_FOR}', now() + interval '${KEPT_FOR}')
         ON CONFLICT (tenant, key, method, path) DO UPDATE
         SET fingerprint = EXCLUDED.fingerprint, claim = EXCLUDED.claim, held_until = EXCLUDED.held_until,
             expires_at = EXCLUDED.expires_at, status = NULL, headers = NULL, body = NULL
         WHERE known.expires_at < now()
            OR (known.status IS NULL AND known.held_until < now() AND known.fingerprint = EXCLUDED.fingerprint)
         RETURNING claim`,
        [...keyOf(request), fingerprint, claim],
      );
      if (won.length > 0) return { kind: 'ours', claim };

      const [row] = await source.query<Row[]>(
        `SELECT fingerprint, status, headers, body FROM idempotency_keys WHERE ${WHERE_REQUEST}`,
        keyOf(request),
      );
      // Gone in between: whoever held it let go, and the caller may try again.
      if (row === undefined) return { kind: 'busy' };
      if (row.fingerprint !== fingerprint) return { kind: 'reused' };
      if (row.status === null) return { kind: 'busy' };
      return {
        kind: 'answered',
        answer: { status: row.status, headers: row.headers ?? {}, body: row.body ?? Buffer.alloc(0) },
      };
    },
    async extend(request, claim) {
      await source.query(
        `UPDATE idempotency_keys SET held_until = now() + interval '${HELD_FOR}'
         WHERE ${WHERE_REQUEST} AND claim = $5 AND status IS NULL`,
        [...keyOf(request), claim],
      );
    },
    async keep(request, claim, { status, headers, body }) {
      await source.query(
        `UPDATE idempotency_keys SET status = $6, headers = $7, body = $8, expires_at = now() + interval '${KEPT_FOR}'
         WHERE ${WHERE_REQUEST} AND claim = $5`,
        [...keyOf(request), claim, status, JSON.stringify(headers), body],
      );
    },
    async letGo(request, claim) {
      await source.query(`DELETE FROM idempotency_keys WHERE ${WHERE_REQUEST} AND claim = $5`, [
        ...keyOf(request),
        claim,
      ]);
    },
  };
}
