import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hearing } from '@verifywise/broker';
import { PluginConfigChanged, SetConfigValue } from '@verifywise/contracts';
import { compileSchema } from '@verifywise/service-kit';
import '../../../../test/support/patience.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { configAnswer, configHistoryAnswer } from '../http/answer-schemas.ts';
import { InstallerRoom, type Tenant } from '../testing/installer-room.ts';
import { pluginArchive } from '../testing/plugin-archive.ts';
import type { ConfigView } from './config-view.ts';

let room: InstallerRoom;

beforeAll(async () => {
  room = await InstallerRoom.open();
  await room.startInstaller();
}, 180_000);
afterAll(() => room.close(), 60_000);

const secret = { type: 'string', secret: true };
const config = {
  apiKey: { ...secret, required: true, minLength: 4 },
  limit: { type: 'number', default: 5, min: 1 },
  mode: { type: 'select', options: ['fast', { value: 'slow', label: 'Slow' }] },
  slug: { type: 'string', pattern: '^[a-z0-9]+(-[a-z0-9]+)*$' },
  proxy: {
    type: 'object',
    properties: { host: { type: 'string', required: true }, port: { type: 'number', default: 80 }, password: secret },
  },
  accounts: { type: 'array', items: { type: 'object', properties: { url: { type: 'string' }, token: secret } } },
};
const SECRETS = ['KEY-secret', 'PW-secret', 'TOKEN-A-secret', 'TOKEN-B-secret'] as const;
const [KEY, PASSWORD, TOKEN_A, TOKEN_B] = SECRETS;
const everything = {
  apiKey: KEY,
  limit: 9,
  mode: 'slow',
  slug: 'a-b-c',
  proxy: { host: 'proxy.example', password: PASSWORD },
  accounts: [
    { url: 'a', token: TOKEN_A },
    { url: 'b', token: TOKEN_B },
  ],
};

async function having(id: string, settings: object = config): Promise<Tenant> {
  room.registry.publish(pluginArchive({ id, version: '1.0.0', config: settings }));
  const tenant = await room.tenant();
  expect((await tenant.call('POST', '/install', { id })).status).toBe(201);
  return tenant;
}

const put = (tenant: Tenant, id: string, values: object, headers: Record<string, string> = {}) =>
  tenant.call('PUT', `/${id}/config`, { config: values }, { headers });
const read = async (tenant: Tenant, id: string) =>
  (await tenant.call('GET', `/${id}/config`)).body.data as unknown as ConfigView;
const history = async (tenant: Tenant, id: string, query = '') =>
  (await tenant.call('GET', `/${id}/config/history${query}`)).body.data as unknown as {
    entries: Record<string, unknown>[];
    next: string | null;
  };

describe('what an admin sets', () => {
  test('a required secret inside of an object keeps the plugin from being enabled until it is there', async () => {
    const vault = {
      type: 'object',
      required: true,
      properties: { url: { type: 'string' }, key: { ...secret, required: true } },
    };
    const acme = await having('vaulted', { vault });
    await put(acme, 'vaulted', { vault: { url: 'https://vault.example' } });
    expect((await acme.call('POST', '/vaulted/enable')).body.error).toMatchObject({
      details: { missingConfig: ['vault.key'] },
    });
    await put(acme, 'vaulted', { vault: { url: 'https://vault.example', key: KEY } });
    room.registry.publish(pluginArchive({ id: 'vaulted', version: '1.1.0', config: { vault } }));
    const plan = (await acme.call('GET', '/vaulted/update-plan')).body.data as { config: unknown };
    expect(plan.config).toMatchObject({ missing: [] });
    expect((await acme.call('POST', '/vaulted/enable')).status).toBe(200);
  });

  test('is shown without any secret, however deep it stands, and is nowhere in the database in plain text', async () => {
    const acme = await having('deep');
    const saved = await put(acme, 'deep', everything);
    expect(saved.body.data).toEqual({
      schema: expect.objectContaining({
        mode: { type: 'string', enum: ['fast', 'slow'], enumLabels: ['fast', 'Slow'] },
      }),
      config: {
        limit: 9,
        mode: 'slow',
        slug: 'a-b-c',
        proxy: { host: 'proxy.example', port: 80 },
        accounts: [{ url: 'a' }, { url: 'b' }],
      },
      secretsSet: ['accounts.0.token', 'accounts.1.token', 'apiKey', 'proxy.password'],
      missingConfig: [],
    });
    const answers = [
      saved,
      await acme.call('GET', '/deep/config'),
      await acme.call('GET', '/deep'),
      await acme.call('GET', '/deep/config/history'),
      await acme.call('GET', '/deep/audit'),
    ];
    const told = acme.runner.received.map(({ payload }) => payload);
    const stored = await Promise.all(
      ['configs', 'config_history', 'audit', 'installations', 'operations', 'outbox'].map((table) =>
        room.rows(`SELECT * FROM installer.${table} WHERE tenant = '${acme.name}'`),
      ),
    );
    for (const text of SECRETS) expect(JSON.stringify([answers, told, stored])).not.toContain(text);
  });

  test('keeps secrets that are absent, empty or masked, in lists too, and forgets those that are null', async () => {
    const acme = await having('keeps');
    await put(acme, 'keeps', everything);
    await put(acme, 'keeps', {
      apiKey: '••••••••',
      proxy: { host: 'other.example' },
      accounts: [{ url: 'b', token: '••••••••' }],
    });
    expect((await read(acme, 'keeps')).secretsSet).toEqual(['accounts.0.token', 'apiKey', 'proxy.password']);
    // TOKEN-B moved to the first place, and is the one that is kept: given again, nothing changes.
    const before = await history(acme, 'keeps');
    await put(acme, 'keeps', { apiKey: KEY, proxy: { host: 'other.example', password: PASSWORD } });
    await put(acme, 'keeps', { accounts: [{ url: 'b', token: TOKEN_B }] });
    expect((await history(acme, 'keeps')).entries).toHaveLength(before.entries.length);
    await put(acme, 'keeps', { apiKey: null, proxy: { host: 'other.example', password: null }, accounts: null });
    expect(await read(acme, 'keeps')).toMatchObject({ secretsSet: [], missingConfig: ['apiKey'] });
  });

  test('is refused with everything that is wrong at once, each with its path and what to do', async () => {
    const acme = await having('wrong');
    const refused = await put(acme, 'wrong', {
      apiKey: 'abc',
      limit: 0,
      mode: 'other',
      slug: 'No Slug',
      proxy: { host: 7, nobody: 1 },
      accounts: [{ url: 'a', token: '••••••••' }],
      unknown: true,
    });
    expect(refused).toMatchObject({ status: 422, body: { error: { code: 'CONFIG_INVALID' } } });
    const { issues } = refused.body.error.details as { issues: { path: string; message: string; hint: string }[] };
    expect(issues.map(({ path }) => path).sort()).toEqual([
      ...['/accounts/0', '/apiKey', '/limit', '/mode', '/proxy/host', '/proxy/nobody', '/slug', '/unknown'],
    ]);
    for (const issue of issues) expect(issue.hint).not.toBe('');
    expect(JSON.stringify(refused.body)).not.toContain('"abc"');
    expect(await read(acme, 'wrong')).toMatchObject({ config: { limit: 5 }, secretsSet: [] });
    expect(await history(acme, 'wrong')).toEqual({ entries: [], next: null });
  });

  test.each([
    ['a NUL', { proxy: { host: 'a\u0000b' } }],
    ['what would be a prototype', JSON.parse('{"__proto__": {"limit": 1}}') as object],
    ['a tower of lists', { accounts: JSON.parse('['.repeat(3_000) + ']'.repeat(3_000)) as unknown }],
    ['more than a config holds', { proxy: { host: 'x'.repeat(300_000) } }],
  ])('with %s in it is refused, and nothing breaks', async (what, values) => {
    const id = `odd-${what.length}`;
    const acme = await having(id);
    expect(await put(acme, id, values)).toMatchObject({ status: 422, body: { error: { code: 'CONFIG_INVALID' } } });
    expect((await put(acme, id, { limit: 2 })).status).toBe(200);
  });

  test('against a pattern that is catastrophic elsewhere is answered, and others are not kept waiting', async () => {
    const hostile = { a: { type: 'string', pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' }, b: { type: 'number' } };
    const acme = await having('hostile', hostile);
    const refused = await put(acme, 'hostile', { a: 'a'.repeat(5_000), b: 'x' });
    const { issues } = refused.body.error.details as { issues: { path: string }[] };
    expect(issues.map(({ path }) => path)).toEqual(['/a', '/b']);
    expect((await put(acme, 'hostile', { a: 'abcXyz' })).status).toBe(200);
  });
});

describe('two admins', () => {
  test('who change different settings at once both have their way', async () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`f${at}`, { type: 'number' }]));
    const acme = await having('at-once', many);
    const answers = await Promise.all(Object.keys(many).map((field, at) => put(acme, 'at-once', { [field]: at })));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect((await read(acme, 'at-once')).config).toEqual(
      Object.fromEntries(Object.keys(many).map((field, at) => [field, at])),
    );
  });

  test('who read the same settings do not overwrite each other when they say what they read', async () => {
    const acme = await having('if-match');
    const etag = (await acme.call('GET', '/if-match/config')).headers.get('etag') ?? '';
    const answers = await Promise.all([7, 8].map((limit) => put(acme, 'if-match', { limit }, { 'if-match': etag })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    const refused = answers.find(({ status }) => status === 412);
    expect(refused?.body.error).toMatchObject({ code: 'PRECONDITION_FAILED' });
    expect(refused?.body.error.message).toMatch(/read them again/);
    const won = answers.find(({ status }) => status === 200);
    const next = won?.headers.get('etag') ?? '';
    expect(next).not.toBe(etag);
    expect((await put(acme, 'if-match', { limit: 3 }, { 'if-match': `"other", ${next}` })).status).toBe(200);
    expect((await put(acme, 'if-match', { limit: 4 }, { 'if-match': '*' })).status).toBe(200);
  });
});

describe('the history', () => {
  test('tells who changed which setting when, never a secret, page by page, and outlives the plugin', async () => {
    const acme = await having('told');
    await put(acme, 'told', everything);
    await put(acme, 'told', { apiKey: 'another-key', limit: 10, proxy: { host: 'p2' } });
    const payload = { pluginId: 'told', key: 'slug', value: 'set-by-plugin' };
    await room.broker.ask(SetConfigValue, { tenant: acme.name, payload });
    const { entries } = await history(acme, 'told');
    expect(entries.slice(0, 4)).toMatchObject([
      { field: 'slug', secret: false, before: 'a-b-c', after: 'set-by-plugin', actor: { service: 'plugin:told' } },
      { field: 'apiKey', secret: true, before: null, after: null, actor: { userId: '7', role: 'Admin', name: 'Ada' } },
      { field: 'proxy.host', before: 'proxy.example', after: 'p2' },
      { field: 'limit', before: 9, after: 10 },
    ]);
    expect(entries).toHaveLength(13);
    expect(compileSchema(configHistoryAnswer)({ entries, next: null })).toBe(true);
    const first = await history(acme, 'told', '?limit=3');
    const second = await history(acme, 'told', `?limit=100&before=${first.next ?? ''}`);
    expect([...first.entries, ...second.entries]).toEqual(entries);
    expect(second.next).toBeNull();
    expect((await history(acme, 'told', '?field=limit')).entries.map(({ after }) => after)).toEqual([10, 9]);

    await acme.call('POST', '/told/uninstall', { deleteData: true });
    expect((await history(acme, 'told')).entries).toHaveLength(13);
    const globex = await room.tenant();
    expect(await history(globex, 'told')).toEqual({ entries: [], next: null });
    expect((await acme.call('GET', '/told/config/history', undefined, { role: 'Viewer' })).status).toBe(403);
  });

  test('keeps the newest of what a plugin sets itself, and all that people set, however often the plugin does', async () => {
    const [acme, globex] = [await having('restless'), await having('calm')];
    await put(acme, 'restless', { limit: 2 });
    await put(acme, 'restless', { limit: 3 });
    for (const [tenant, id] of [
      [acme.name, 'restless'],
      [acme.name, 'calm'],
      [globex.name, 'restless'],
    ]) {
      await room.rows(`INSERT INTO installer.config_history (tenant, plugin_id, field, secret, after, actor)
        SELECT '${tenant}', '${id}', 'slug', false, to_jsonb('s' || number), '{"service": "plugin:${id}"}'
        FROM generate_series(1, 300) number`);
    }
    await put(acme, 'restless', { limit: 4 });
    for (const value of ['last-but-one', 'last']) {
      await room.broker.ask(SetConfigValue, {
        tenant: acme.name,
        payload: { pluginId: 'restless', key: 'slug', value },
      });
    }
    const { entries } = await history(acme, 'restless', '?limit=500');
    const by = (who: 'userId' | 'service') =>
      entries.filter(({ actor }) => Object.hasOwn(actor as object, who)).map(({ after }) => after);
    expect(by('userId')).toEqual([4, 3, 2]);
    const own = by('service');
    expect(own).toHaveLength(200);
    expect([own[0], own[1], own[2], own.at(-1)]).toEqual(['last', 'last-but-one', 's300', 's103']);
    expect((await history(acme, 'calm', '?limit=500')).entries).toHaveLength(300);
    expect((await history(globex, 'restless', '?limit=500')).entries).toHaveLength(300);
  });

  test('the database itself refuses to change what it tells', async () => {
    const acme = await having('fixed');
    await put(acme, 'fixed', { limit: 2 });
    for (const table of ['config_history', 'audit']) {
      const where = `WHERE tenant = '${acme.name}'`;
      for (const statement of [
        `UPDATE installer.${table} SET actor = '{}' ${where}`,
        `DELETE FROM installer.${table} ${where}`,
        `TRUNCATE installer.${table}`,
      ]) {
        await expect(room.rows(statement)).rejects.toThrow(`rows of ${table} are never changed`);
      }
    }
    expect((await history(acme, 'fixed')).entries).toHaveLength(1);
  });
});

test('a change is told as a fact with the names of its settings and no value', async () => {
  const heard: unknown[] = [];
  const ears = await room.broker.subscribe('scheduler', [
    hearing(PluginConfigChanged, (payload) => Promise.resolve(void heard.push(payload))),
  ]);
  const acme = await having('heard');
  await put(acme, 'heard', { apiKey: KEY, proxy: { host: 'h', password: PASSWORD }, limit: 8_765 });
  await eventually(() => expect(heard).toHaveLength(1));
  const fields = expect.arrayContaining(['apiKey', 'limit', 'proxy']) as unknown;
  expect(heard[0]).toMatchObject({ pluginId: 'heard', version: '1.0.0', fields });
  expect(JSON.stringify(heard)).not.toMatch(/secret|"h"|8765/);
  await ears.stop();
});

test('the answer has the shape that openapi.json tells, and a role that only reads changes nothing', async () => {
  const acme = await having('shaped');
  await put(acme, 'shaped', everything);
  expect(compileSchema(configAnswer)(await read(acme, 'shaped'))).toBe(true);
  const viewer = { role: 'Viewer' };
  expect((await acme.call('GET', '/shaped/config', undefined, viewer)).status).toBe(200);
  expect((await acme.call('PUT', '/shaped/config', { config: { limit: 2 } }, viewer)).status).toBe(403);
  const globex = await room.tenant();
  expect(await globex.call('GET', '/shaped/config')).toMatchObject({ status: 404 });
  expect(await put(globex, 'shaped', { limit: 1 })).toMatchObject({ status: 404 });
});

describe('two versions of one plugin', () => {
  test('have their settings in the order in which the author wrote them, however deep they stand', async () => {
    const text = { type: 'string' };
    const host = { type: 'object', properties: { port: text, address: text, z: text, b: text } };
    const orders = { '1.0.0': ['zone', 'name', 'host', 'a'], '2.0.0': ['name', 'host', 'zone', 'bb', 'a'] };
    const configOf = (keys: string[]) => Object.fromEntries(keys.map((key) => [key, key === 'host' ? host : text]));
    for (const [version, keys] of Object.entries(orders))
      room.registry.publish(pluginArchive({ id: 'ordered', version, config: configOf(keys) }));
    const acme = await room.tenant();
    const shown = async () => {
      const { schema } = await read(acme, 'ordered');
      const { properties } = schema['host'] as unknown as typeof host;
      expect(Object.keys(properties)).toEqual(['port', 'address', 'z', 'b']);
      return Object.keys(schema);
    };
    await acme.call('POST', '/install', { id: 'ordered', version: '1.0.0' });
    expect(await shown()).toEqual(orders['1.0.0']);
    await acme.call('POST', '/ordered/update');
    expect(await shown()).toEqual(orders['2.0.0']);
    const { manifest } = (await acme.call('GET', '/ordered')).body.data as { manifest: { config: object } };
    expect(Object.keys(manifest.config)).toEqual(orders['2.0.0']);
    await acme.call('POST', '/ordered/rollback');
    expect(await shown()).toEqual(orders['1.0.0']);
  });

  test('what a new version calls a secret is sealed with the update, hidden in the history, and stays a secret after a rollback', async () => {
    const plain = { token: { type: 'string' }, name: { type: 'string' } };
    room.registry.publish(pluginArchive({ id: 'turns', version: '1.0.0', config: plain }));
    room.registry.publish(pluginArchive({ id: 'turns', version: '2.0.0', config: { ...plain, token: secret } }));
    const [acme, globex] = [await room.tenant(), await room.tenant()];
    for (const tenant of [acme, globex]) {
      await tenant.call('POST', '/install', { id: 'turns', version: '1.0.0' });
      await put(tenant, 'turns', { token: `${tenant.name}-token`, name: 'n' });
    }
    expect((await acme.call('POST', '/turns/update')).status).toBe(200);

    expect(await read(acme, 'turns')).toMatchObject({ config: { name: 'n' }, secretsSet: ['token'] });
    const rows = await room.rows(`SELECT * FROM installer.configs WHERE tenant = '${acme.name}'`);
    expect(JSON.stringify(rows)).not.toContain(`${acme.name}-token`);
    expect(JSON.stringify(await history(acme, 'turns'))).not.toContain(`${acme.name}-token`);
    for (const path of ['/audit', '/turns/audit']) {
      const { entries } = (await acme.call('GET', path)).body.data as { entries: { action: string; after: object }[] };
      const config = entries.find(({ action }) => action === 'config');
      expect(config?.after).toEqual({ token: '••••••••', name: 'n' });
    }
    expect((await read(globex, 'turns')).config).toEqual({ name: 'n', token: `${globex.name}-token` });

    expect((await acme.call('POST', '/turns/rollback')).status).toBe(200);
    expect(await read(acme, 'turns')).toMatchObject({ config: { name: 'n' }, secretsSet: ['token'] });
    await put(acme, 'turns', { token: 'plain again' });
    expect(await read(acme, 'turns')).toMatchObject({ config: { token: 'plain again' }, secretsSet: [] });
  });
});
