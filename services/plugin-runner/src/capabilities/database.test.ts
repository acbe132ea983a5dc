import { afterEach, describe, expect, test } from '@jest/globals';
import type { Installation } from '@verifywise/contracts';
import { eventually } from '../../../../test/support/eventually.ts';
import type { DatabaseSession, OpenTransaction, PluginStatementRunner, TransactionEvents } from './database.ts';
import { databaseSession } from './database.ts';

const sessions: DatabaseSession[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.end();
});

/** Writes down what becomes of each transaction; what a statement does is PostgreSQL's and tried there. */
function room({ granted = ['database:write', 'events:emit'], limitMs = 60_000 } = {}) {
  const fates: string[] = [];
  const committed: (TransactionEvents | null)[] = [];
  const begin = (): Promise<OpenTransaction> =>
    Promise.resolve({
      query: () => Promise.resolve({ rows: [], rowCount: 0 }),
      commit: (events) => {
        fates.push('committed');
        committed.push(events);
        return Promise.resolve();
      },
      rollback: () => void fates.push('rolled back'),
      end: () => void fates.push('ended'),
    });
  const statements: PluginStatementRunner = { begin, query: () => Promise.resolve({ rows: [], rowCount: 0 }) };
  const installation = { tenant: 'acme', pluginId: 'notes', granted } as unknown as Installation;
  const session = databaseSession(statements, () => installation, limitMs);
  sessions.push(session);
  return { fates, committed, session, db: session.capabilities };
}

describe('transactions of an isolate', () => {
  test('at most four are open at a time', async () => {
    const { db } = room();
    const numbers = await Promise.all([1, 2, 3, 4].map(() => db['db.begin']()));
    await expect(db['db.begin']()).rejects.toMatchObject({ code: 'QUERY_FAILED' });
    await db['db.rollback'](numbers[0] as number);
    expect(numbers).not.toContain(await db['db.begin']());
  });

  test('one that is over is known to nobody, and rolling it back again does nothing', async () => {
    const { db, fates } = room();
    const number = await db['db.begin']();
    await db['db.commit'](number, []);
    await expect(db['db.query']('SELECT 1', [], number)).rejects.toMatchObject({ code: 'QUERY_FAILED' });
    await expect(db['db.commit'](number, [])).rejects.toMatchObject({ code: 'QUERY_FAILED' });
    await db['db.rollback'](number);
    expect(fates).toEqual(['committed']);
  });

  test('one that takes too long is ended, and says so', async () => {
    const { db, fates } = room({ limitMs: 20 });
    const number = await db['db.begin']();
    await eventually(() => expect(fates).toEqual(['ended']));
    await expect(db['db.commit'](number, [])).rejects.toMatchObject({ code: 'QUERY_TIMED_OUT' });
  });

  test('an event that may not be emitted rolls back what it tells of', async () => {
    const said = [{ event: 'plugin:notes:kept', payload: { n: 1 } }];
    const { db, fates, committed } = room();
    await db['db.commit'](await db['db.begin'](), said);
    expect(committed).toMatchObject([[{ message: { tenant: 'acme', payload: { n: 1, source: 'plugin:notes' } } }]]);
    const number = await db['db.begin']();
    await expect(db['db.commit'](number, [{ event: 'risk:created', payload: {} }])).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    });
    const mute = room({ granted: ['database:write'] });
    const other = await mute.db['db.begin']();
    await expect(mute.db['db.commit'](other, said)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect([...fates, ...mute.fates]).toEqual(['committed', 'rolled back', 'rolled back']);
  });

  test('all end with the isolate, which can ask nothing after that', async () => {
    const { db, session, fates } = room();
    await Promise.all([db['db.begin'](), db['db.begin']()]);
    session.end();
    expect(fates).toEqual(['ended', 'ended']);
    await expect(db['db.begin']()).rejects.toMatchObject({ code: 'PLUGIN_CRASHED' });
    await expect(db['db.query']('SELECT 1', [], null)).rejects.toMatchObject({ code: 'PLUGIN_CRASHED' });
  });
});
