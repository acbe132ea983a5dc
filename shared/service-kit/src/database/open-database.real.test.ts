import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EntitySchema, type MigrationInterface, type QueryRunner } from 'typeorm';
import { createDatabase, type TestDatabase } from '../../../../test/support/database.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { listeningLogger } from '../testing/serving.ts';
import { openDatabase, type Database, type DatabaseOptions } from './open-database.ts';

interface Note {
  tenant: string;
  id: number;
  text: string;
}

// TypeORM declares the options of a table map as a class, and means any object of that shape.
// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
const NoteTable = new EntitySchema<Note>({
  name: 'Note',
  tableName: 'notes',
  columns: {
    tenant: { type: 'text', primary: true },
    id: { type: 'integer', primary: true },
    text: { type: 'text' },
  },
});

class CreateNotes implements MigrationInterface {
  readonly name = 'CreateNotes1700000000100';
  async up(runner: QueryRunner): Promise<void> {
    // Not "IF NOT EXISTS": run twice, it fails.
    await runner.query('CREATE TABLE notes (tenant text, id integer, text text NOT NULL, PRIMARY KEY (tenant, id))');
    await runner.query("INSERT INTO notes VALUES ('acme', 1, 'made by the migration')");
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE notes');
  }
}

class AddColour implements MigrationInterface {
  readonly name = 'AddColour1700000000200';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query("ALTER TABLE notes ADD COLUMN colour text NOT NULL DEFAULT 'yellow'");
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE notes DROP COLUMN colour');
  }
}

class Broken implements MigrationInterface {
  readonly name = 'Broken1700000000300';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE half_done (id integer)');
    await runner.query('CREATE TABLE notes (id integer)');
  }
  down(): Promise<void> {
    return Promise.resolve();
  }
}

describe('open database', () => {
  let own: TestDatabase;
  const opened: Database[] = [];

  beforeEach(async () => {
    own = await createDatabase();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.close()));
    await own.drop();
  });

  async function open(options: Partial<DatabaseOptions> = {}): Promise<Database> {
    const database = await openDatabase({
      url: own.url,
      schema: 'sample',
      entities: [NoteTable],
      migrations: [CreateNotes],
      log: listeningLogger().log,
      ...options,
    });
    opened.push(database);
    return database;
  }

  test('creates the schema, migrates, and finds its tables without naming the schema', async () => {
    const { source } = await open();
    expect(await source.getRepository(NoteTable).findOneBy({ tenant: 'acme', id: 1 })).toEqual({
      tenant: 'acme',
      id: 1,
      text: 'made by the migration',
    });
    expect(await source.query('SELECT schemaname FROM pg_tables WHERE tablename = $1', ['notes'])).toEqual([
      { schemaname: 'sample' },
    ]);
    expect(await source.query('SELECT text FROM notes')).toHaveLength(1);
  });

  test('four replicas that open at the same moment migrate once', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => open()));
    for (const { source } of all) expect(await source.query('SELECT text FROM notes')).toHaveLength(1);
    expect(await all[0]?.source.query('SELECT name FROM sample.migrations')).toEqual([
      { name: 'CreateNotes1700000000100' },
    ]);
  });

  test('who has to wait for the migrations of another says so, and goes on after it', async () => {
    const { source } = await open({ schema: 'other' });
    const { log, lines } = listeningLogger();
    const holder = source.createQueryRunner();
    await holder.query(`SELECT pg_advisory_lock(hashtextextended('migrate:sample', 0))`);
    const opening = open({ schema: 'sample', log });
    await eventually(() =>
      expect(
        lines()
          .map(({ msg }) => msg)
          .join(),
      ).toContain('holds the lock of the migrations'),
    );
    await holder.query('SELECT pg_advisory_unlock_all()');
    await holder.release();
    expect(await (await opening).source.query('SELECT text FROM notes')).toHaveLength(1);
  });

  test('services that share the database migrate side by side, each in its own schema', async () => {
    await Promise.all(['one', 'two', 'three'].map((schema) => open({ schema })));
    for (const { source } of opened) expect(await source.query('SELECT text FROM notes')).toHaveLength(1);
  });

  test('a newer version runs only what is new', async () => {
    await (await open()).close();
    const { source } = await open({ migrations: [CreateNotes, AddColour] });
    expect(await source.query('SELECT colour FROM notes')).toEqual([{ colour: 'yellow' }]);
  });

  test('a migration that fails leaves nothing of itself, keeps those before it, and lets the next try', async () => {
    await expect(open({ migrations: [CreateNotes, Broken] })).rejects.toThrow('already exists');
    const { source } = await open({ migrations: [CreateNotes, AddColour] });
    expect(await source.query("SELECT to_regclass('half_done') AS half_done")).toEqual([{ half_done: null }]);
  });

  test('its connections carry the name of the service, and its statements have an end', async () => {
    const { source } = await open({ schema: 'plugin_runner', statementTimeoutMs: 50 });
    expect(await source.query("SELECT current_setting('application_name') AS name")).toEqual([
      { name: 'plugin_runner' },
    ]);
    await expect(source.query('SELECT pg_sleep(10)')).rejects.toMatchObject({ code: '57014' });
  });

  test('a migration may take longer than a statement of the service', async () => {
    class Slow implements MigrationInterface {
      readonly name = 'Slow1700000000400';
      async up(runner: QueryRunner): Promise<void> {
        await runner.query('SELECT pg_sleep(0.1)');
      }
      down(): Promise<void> {
        return Promise.resolve();
      }
    }
    await open({ migrations: [Slow], entities: [], statementTimeoutMs: 50 });
  });

  test('closing leaves no connection behind', async () => {
    const watcher = await open({ schema: 'watcher' });
    await (await open()).close();
    await eventually(async () => {
      const query =
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sample'";
      expect(await watcher.source.query(query)).toEqual([]);
    });
  });

  test('a broken idle connection is replaced, and the ping tells when none can be had', async () => {
    const database = await open();
    const killer = await open({ schema: 'killer' });
    await database.ping();
    await killer.source.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sample'",
    );
    await eventually(() => database.ping());
    await database.close();
    await expect(database.ping()).rejects.toThrow();
  });

  test('waits for PostgreSQL that starts later', async () => {
    const late = await lateDoor(own.url);
    const { log, lines } = listeningLogger();
    const opening = open({ url: late.url, log });
    await eventually(() => expect(lines().map(({ msg }) => msg)).toContain('waiting for PostgreSQL'));
    await late.open();
    await (await opening).ping();
    await opened.pop()?.close();
    await late.close();
  });

  test('gives up at the deadline, naming the place and never the password', async () => {
    const nobody = open({ url: 'postgres://user:hush@127.0.0.1:1/x', connectDeadlineMs: 200 });
    await expect(nobody).rejects.toThrow(
      /^PostgreSQL at 127\.0\.0\.1:1\/x could not be reached within 200 ms: .*ECONNREFUSED/,
    );
    await expect(nobody).rejects.toThrow(/^((?!hush).)*$/);
  });

  test('does not wait for what waiting does not mend', async () => {
    const url = new URL(own.url);
    url.pathname = '/there_is_no_such_database';
    await expect(open({ url: url.href })).rejects.toThrow(/refused the connection: .*does not exist/);
  });

  test('a name that is none of a schema is refused', async () => {
    await expect(open({ schema: 'x"; DROP SCHEMA y' })).rejects.toThrow('is not the name of a schema');
  });
});

/** An address of the database at which nothing listens until `open()`. */
async function lateDoor(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const inner = connect(Number(target.port), target.hostname);
    for (const one of [socket, inner]) sockets.add(one.on('error', () => one.destroy()));
    socket.pipe(inner).pipe(socket);
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const stop = () => new Promise((resolve) => server.close(resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  await stop();
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    url: url.href,
    open: () => listen(port),
    async close() {
      for (const socket of sockets) socket.destroy();
      await stop();
    },
  };
}
