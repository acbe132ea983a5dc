import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { createPluginHost } from '@verifywise/plugin-host';

interface Settings {
  brokerUrl: string;
  databaseUrl: string;
  partitions: number;
  tenants: string[];
  /** Between two events of a tenant. */
  everyMs: number;
}

/** A row of the host's own for every event, written in the transaction that emits it: what has to arrive, whatever is killed when. */
const SENT = `CREATE TABLE IF NOT EXISTS sent (tenant text, sequence int, event_id uuid, PRIMARY KEY (tenant, sequence))`;

/** A host platform as a process of its own, which emits until it is told to stop, or killed. */
const settings = JSON.parse(process.argv[2] ?? '') as Settings;
const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: settings.tenants.length + 2 });
await pool.query(SENT);
const host = await createPluginHost({
  ...{ brokerUrl: settings.brokerUrl, pool, partitions: settings.partitions, source: 'host', checkPayloads: false },
  // That the broker is away is what its tests are about.
  log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
});
const stop = new AbortController();
const poisoned = new Set<string>();
process.on('message', (said: 'stop' | { poison: string }) => {
  if (said === 'stop') stop.abort();
  else poisoned.add(said.poison);
});
process.send?.('started');
await Promise.all(settings.tenants.map(emitAll));
process.send?.('stopped');
// The relay goes on until it is killed: what waits in the outbox goes out.

async function emitAll(tenant: string): Promise<void> {
  while (!stop.signal.aborted) {
    await emitNext(tenant);
    await pause(settings.everyMs);
  }
}

async function emitNext(tenant: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { rows } = await client.query<{ next: number }>(
      'SELECT coalesce(max(sequence), 0) + 1 AS next FROM sent WHERE tenant = $1',
      [tenant],
    );
    const sequence = rows[0]?.next ?? 1;
    const poison = poisoned.delete(tenant);
    const payload = { tenant, riskId: sequence, ...(poison ? { poison } : {}) };
    const { eventId } = await host.emit('risk:created', payload as never, { transaction: client });
    await client.query('INSERT INTO sent VALUES ($1, $2, $3)', [tenant, sequence, eventId]);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}
