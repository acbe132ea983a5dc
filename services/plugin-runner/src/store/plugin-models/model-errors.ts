import { PlatformError } from '@verifywise/contracts';
import { QueryFailedError } from 'typeorm';
import { ModelInvalidError } from '../../isolate/models/invalid.ts';
import type { PluginOwner } from '../plugin-database/plugin-connections.ts';
import { queryError } from '../plugin-database/query-errors.ts';

const KINDS: Record<string, string> = {
  '23505': 'unique',
  '23503': 'foreign-key',
  '23502': 'not-null',
  '23514': 'check',
};
const HINTS: Record<string, string> = {
  '42P01': '; create the tables of your models with models.sync()',
  '42703': '; add the columns of new attributes with models.sync({ alter: true })',
};

/** What went wrong as the plugin may know it: QUERY_FAILED says in `details.kind` which rule of the table a row broke. */
export function modelError(owner: PluginOwner, error: unknown): unknown {
  if (error instanceof ModelInvalidError) return new PlatformError('MODEL_INVALID', error.message, { cause: error });
  if (!(error instanceof QueryFailedError)) return error;
  const refused = queryError(owner, error.driverError);
  if (refused.code !== 'QUERY_FAILED') return refused;
  const details = refused.details as { sqlState?: string };
  const kind = KINDS[details.sqlState ?? ''];
  return new PlatformError('QUERY_FAILED', `${refused.message}${HINTS[details.sqlState ?? ''] ?? ''}`, {
    details: kind === undefined ? details : { ...details, kind },
    cause: error,
  });
}
