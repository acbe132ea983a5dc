import type { Database } from '@verifywise/service-kit';
import type { LargeBodies } from '../intake/large-bodies.ts';

/** Bodies too large for a row of their request, in pieces beside it. */
export function postgresBodies({ source }: Database): LargeBodies {
  return {
    async add({ requestId }, position, bytes) {
      await source.query('INSERT INTO body_chunks (request_id, position, bytes) VALUES ($1, $2, $3)', [
        requestId,
        position,
        bytes,
      ]);
    },
    async *read(requestId) {
      for (let position = 0; ; position += 1) {
        const [row] = await source.query<{ bytes: Buffer }[]>(
          'SELECT bytes FROM body_chunks WHERE request_id = $1 AND position = $2',
          [requestId, position],
        );
        if (row === undefined) return;
        yield row.bytes;
      }
    },
    async discard(requestId) {
      await source.query('DELETE FROM body_chunks WHERE request_id = $1', [requestId]);
    },
  };
}
