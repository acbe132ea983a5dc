import { PlatformError } from '@verifywise/contracts';
import { DatabaseError } from 'pg';

const FOREIGN_KEY_VIOLATION = '23503';
const UNIQUE_VIOLATION = '23505';

/** What PostgreSQL refused because of what the client sent, as an answer for the client; anything else stays what it is. */
export function refusal(error: unknown): unknown {
  if (!(error instanceof DatabaseError)) return error;
  if (error.code === UNIQUE_VIOLATION) {
    return new PlatformError('CONFLICT', `There is one like it already in ${error.table ?? 'this table'}`, {
      cause: error,
    });
  }
  if (error.code !== FOREIGN_KEY_VIOLATION) return error;
  const stillUsed = /is still referenced from table "(\w+)"/.exec(error.detail ?? '');
  if (stillUsed !== null) {
    return new PlatformError('CONFLICT', `It cannot be deleted: ${stillUsed[1] ?? 'another table'} refer to it`, {
      cause: error,
    });
  }
  const missing = /is not present in table "(\w+)"/.exec(error.detail ?? '');
  return new PlatformError(
    'VALIDATION_FAILED',
    `It refers to one of the ${missing?.[1] ?? 'rows'} that does not exist`,
    {
      cause: error,
    },
  );
}
