import { PlatformError } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';
import pg from 'pg';
import { permissionDenied } from '../../permission-denied.ts';
import type { PluginOwner } from './plugin-connections.ts';

const INSUFFICIENT_PRIVILEGE = '42501';
/** Beginnings of the codes by which PostgreSQL says that it is itself in trouble: full disk or memory, operators, its files. */
const SERVER_IN_TROUBLE = ['53100', '53200', '53300', '57P', '58', 'XX'];

/** What a plugin is told of a statement that failed: PostgreSQL's own words, because it is the plugin's own statement. */
export function queryError(owner: PluginOwner, error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  if (!(error instanceof pg.DatabaseError)) {
    if (error instanceof TypeError) return new PlatformError('QUERY_FAILED', error.message, { cause: error });
    return new PlatformError('UNAVAILABLE', 'The connection to PostgreSQL was lost; try again', { cause: error });
  }
  const { code = '', message } = error;
  if (code === INSUFFICIENT_PRIVILEGE) return refused(owner, error);
  if (SERVER_IN_TROUBLE.some((beginning) => code.startsWith(beginning))) {
    const details = { sqlState: code };
    return new PlatformError('UNAVAILABLE', `PostgreSQL could not go on: ${message}`, { details, cause: error });
  }
  return new PlatformError('QUERY_FAILED', message, { details: particulars(error), cause: error });
}

/** The permission that is missing, or none when the statement wanted what no plugin may. */
function refused({ pluginId, granted }: PluginOwner, error: pg.DatabaseError): PlatformError {
  const permission = (['database:read', 'database:write'] satisfies Permission[]).find((one) => !granted.includes(one));
  const message =
    permission === undefined
      ? `${error.message}: with database:read and database:write a plugin reads the platform's views and changes its own tables only`
      : `${error.message}: ${permissionDenied(pluginId, permission).message}`;
  const details = { sqlState: INSUFFICIENT_PRIVILEGE, ...(permission ? { permission } : {}) };
  return new PlatformError('PERMISSION_DENIED', message, { details, cause: error });
}

function particulars({ code, detail, hint, position, constraint, table, column }: pg.DatabaseError) {
  const all = { sqlState: code, detail, hint, position, constraint, table, column };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
