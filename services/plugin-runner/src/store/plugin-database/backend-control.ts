import type { Logger } from '@verifywise/service-kit';
import type { DataSource } from 'typeorm';
import type { BackendControl } from './plugin-login.ts';

/** Ends sessions of plugins as the service's own user. A process id may by now be somebody else's, so the role must be the same. */
export function backendControl(db: DataSource, log: Logger): BackendControl {
  const call = async (end: string, pid: number, role: string): Promise<void> => {
    try {
      await db.query(`SELECT ${end}(pid) FROM pg_stat_activity WHERE pid = $1 AND usename = $2`, [pid, role]);
    } catch (error) {
      log.warn({ err: error, role, pid }, `${end} failed; the session goes on until PostgreSQL ends it`);
    }
  };
  return {
    cancel: (pid, role) => call('pg_cancel_backend', pid, role),
    terminate: (pid, role) => call('pg_terminate_backend', pid, role),
  };
}
