import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { connectBroker, type Broker } from '@verifywise/broker';
import type { Envelope } from '@verifywise/contracts';
import { Closers, createLogger, tokenVerifier } from '@verifywise/service-kit';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { startPrivateBroker, type PrivateBroker } from '../../../test/support/private-broker.ts';
import { inPostgres } from '../../local/src/backing/handshakes.ts';
import { readConfig } from './config.ts';
import { coreModels } from './entities/all-entities.ts';
import { startDemoPlatform } from './service.ts';

const PARTITIONS = 2;
const log = createLogger('demo-platform-test', 'silent');

let rabbit: PrivateBroker;
let database: TestDatabase;
let folder: string;
let listener: Broker;
let platform: { url: string; closers: Closers };
let heard: Envelope[] = [];

beforeAll(async () => {
  [rabbit, database, folder] = await Promise.all([
    startPrivateBroker(),
    createDatabase(),
    mkdtemp(join(tmpdir(), 'demo-platform-')),
  ]);
  listener = await connectBroker({ url: rabbit.url, source: 'test', partitions: PARTITIONS, log });
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    await listener.consumePartition(partition, {
      event(delivery) {
        heard.push(delivery.envelope);
        delivery.ack();
      },
      work: (delivery) => void delivery.ack(),
      answers: [],
      lost: () => undefined,
    });
  }
  platform = await start();
}, 60_000);

beforeEach(() => {
  heard = [];
});

afterAll(async () => {
  await platform.closers.closeAll(10_000);
  await listener.close();
  await database.drop();
  await rabbit.stop();
  await rm(folder, { recursive: true });
}, 60_000);

async function start(): Promise<typeof platform> {
  const closers = new Closers();
  const config = readConfig({
    BROKER_URL: rabbit.url,
    DATABASE_URL: database.url,
    PARTITIONS: String(PARTITIONS),
    PORT: '0',
    KEYS_FILE: join(folder, 'keys', 'token-key.json'),
    // Nobody listens on port 1.
    INSTALLER_URL: 'http://127.0.0.1:1',
  });
  const { url } = await startDemoPlatform(config, closers, log);
  return { url, closers };
}

interface Client {
  token: string;
  send(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; data: Row; error?: { code: string; message: string } }>;
}
type Row = Record<string, unknown> & { id: number };

async function clientOf(wanted: object): Promise<Client> {
  const { token } = (await post('/demo/token', wanted)).data as { token: string };
  return {
    token,
    async send(method, path, body) {
      const answer = await fetch(`${platform.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, ...(JSON.parse(text === '' ? '{}' : text) as { data: Row }) };
    },
  };
}

async function post(path: string, body: unknown): Promise<{ status: number; data: unknown }> {
  const answer = await fetch(`${platform.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, ...((await answer.json()) as { data: unknown }) };
}

const typesHeard = (): string[] => heard.map(({ type }) => type);

test('tokens are those of the platform: services can check them by its JWKS', async () => {
  const { token } = await clientOf({ tenant: 'globex', role: 'Viewer' });
  const verify = tokenVerifier({
    jwksUrl: `${platform.url}/.well-known/jwks.json`,
    jwtIssuer: 'verifywise-demo-platform',
  });
  expect(await verify(token)).toMatchObject({ tenant: 'globex', role: 'Viewer', email: 'viewer@globex.example' });
  const file = join(folder, 'keys', 'token-key.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const published = await (await fetch(`${platform.url}/.well-known/jwks.json`)).text();
  const { d } = JSON.parse(await readFile(file, 'utf8')) as { d: string };
  expect(published).not.toContain(d);
});

test('what happens to a risk is told in order, with who did it and what changed', async () => {
  const acme = await clientOf({ tenant: 'acme' });
  const { data: project } = await acme.send('POST', '/api/projects', { title: 'Chatbot' });
  const { status, data: risk } = await acme.send('POST', '/api/risks', { projectId: project.id, title: 'Bias' });
  expect(status).toBe(201);
  await acme.send('PUT', `/api/risks/${risk.id}`, { mitigationStatus: 'completed', severity: 'high' });
  await acme.send('PUT', `/api/risks/${risk.id}`, { severity: 'high' });
  await acme.send('DELETE', `/api/risks/${risk.id}`);

  const wanted = ['project.created', 'risk.created', 'risk.updated', 'risk.mitigated', 'risk.deleted'];
  await eventually(() => expect(typesHeard()).toEqual(wanted));
  expect(heard[2]).toMatchObject({
    tenant: 'acme',
    source: 'demo-platform',
    payload: {
      tenant: 'acme',
      triggeredBy: { userId: 1, email: 'admin@acme.example', name: 'Ada of Acme' },
      riskId: risk.id,
      projectId: project.id,
      changes: {
        severity: { before: 'medium', after: 'high' },
        mitigationStatus: { before: 'not_started', after: 'completed' },
      },
    },
  });
});

test('what is refused happens to nobody: no row, no event', async () => {
  const acme = await clientOf({ tenant: 'acme' });
  const globex = await clientOf({ tenant: 'globex' });
  const viewer = await clientOf({ tenant: 'acme', role: 'Viewer' });
  const { data: project } = await acme.send('POST', '/api/projects', { title: 'Only ours' });
  await eventually(() => expect(typesHeard()).toEqual(['project.created']));

  expect(await acme.send('POST', '/api/risks', { title: '', colour: 'red' })).toMatchObject({
    status: 400,
    error: { code: 'VALIDATION_FAILED', message: expect.stringMatching(/projectId is required.*colour is not known/) },
  });
  expect(await globex.send('POST', '/api/risks', { projectId: project.id, title: 'Theirs' })).toMatchObject({
    status: 400,
  });
  expect(await globex.send('GET', `/api/projects/${project.id}`)).toMatchObject({ status: 404 });
  expect(await globex.send('DELETE', `/api/projects/${project.id}`)).toMatchObject({ status: 404 });
  expect(await viewer.send('DELETE', `/api/projects/${project.id}`)).toMatchObject({ status: 403 });
  expect((await fetch(`${platform.url}/api/projects`)).status).toBe(401);

  await acme.send('POST', '/api/notes', { entityType: 'project', entityId: project.id, content: 'last' });
  await eventually(() => expect(typesHeard()).toEqual(['project.created', 'note.created']));
});

test('every kind of thing can be made, changed and deleted, and every event is one that plugins know', async () => {
  const acme = await clientOf({ tenant: 'acme' });
  const make = async (path: string, body: object): Promise<number> => {
    const { status, data, error } = await acme.send('POST', `/api/${path}`, body);
    expect([status, error]).toEqual([201, undefined]);
    return data.id;
  };
  const userId = await make('users', { name: 'Eve', email: 'eve@acme.example', role: 'Editor' });
  const projectId = await make('projects', { title: 'All of it', ownerId: userId });
  const vendorId = await make('vendors', { projectId, name: 'Clouds' });
  const modelId = await make('models', { projectId, name: 'Judge' });
  const frameworkId = await make('frameworks', { name: 'EU AI Act' });
  const controlId = await make('controls', { projectId, title: 'Logging' });
  const reportId = await make('reports', { projectId, title: 'Quarter' });
  const made: [string, number, object][] = [
    [
      'vendor-risks',
      await make('vendor-risks', { vendorId, projectId, title: 'r' }),
      { mitigationStatus: 'completed' },
    ],
    ['model-risks', await make('model-risks', { modelId, projectId, title: 'r' }), { mitigationStatus: 'completed' }],
    ['tasks', await make('tasks', { title: 't' }), { assigneeId: userId, status: 'completed' }],
    ['incidents', await make('incidents', { title: 'i' }), { status: 'resolved', resolution: 'Off and on' }],
    ['policies', await make('policies', { title: 'p' }), { status: 'published' }],
    ['trainings', await make('trainings', { title: 't' }), { assignedUserIds: [userId], status: 'completed' }],
    ['notes', await make('notes', { entityType: 'project', entityId: projectId }), { content: 'changed' }],
    ['files', await make('files', { name: 'a.txt', contentBase64: 'aGVsbG8=' }), { name: 'b.txt' }],
    ['project-frameworks', await make('project-frameworks', { projectId, frameworkId }), { progress: 50 }],
    ['assessments', await make('assessments', { projectId, title: 'a' }), { status: 'done' }],
    ['questions', await make('questions', { projectId, question: 'Why?' }), { answer: 'Because' }],
    ['subcontrols', await make('subcontrols', { projectId, controlId, title: 's' }), { status: 'done' }],
    ['controls', controlId, { status: 'done' }],
    ['models', modelId, { status: 'approved' }],
    ['vendors', vendorId, { name: 'More clouds' }],
    ['reports', reportId, { title: 'Year' }],
    ['projects', projectId, { status: 'closed' }],
    ['users', userId, { name: 'Eva' }],
  ];
  await acme.send('POST', `/api/reports/${reportId}/export`, { format: 'pdf' });
  await post('/api/login', { tenant: 'acme', email: 'admin@acme.example' });
  await acme.send('POST', '/api/logout');
  for (const [path, id, changes] of made) {
    expect([path, (await acme.send('PUT', `/api/${path}/${id}`, changes)).status]).toEqual([path, 200]);
  }
  for (const [path, id] of made) {
    expect([path, (await acme.send('DELETE', `/api/${path}/${id}`)).status]).toEqual([path, 204]);
  }

  const wanted = [
    ...['user', 'project', 'vendor', 'vendor_risk', 'model', 'model_risk', 'task', 'incident', 'policy', 'training']
      .concat('note')
      .flatMap((kind) => [`${kind}.created`, `${kind}.updated`, `${kind}.deleted`]),
    ...[
      'vendor_risk.mitigated',
      'model_risk.mitigated',
      'model.status_changed',
      'incident.resolved',
      'policy.published',
    ],
    ...['task.completed', 'task.assigned', 'training.completed', 'training.assigned'],
    ...['file.uploaded', 'file.updated', 'file.deleted', 'user.login', 'user.logout'],
    ...['framework.added', 'framework.progress_changed', 'framework.removed', 'report.generated', 'report.exported'],
    ...['assessment.updated', 'question.answered', 'control.updated', 'subcontrol.updated'],
  ];
  await eventually(() => expect([...new Set(typesHeard())].sort()).toEqual(wanted.sort()));
});

test('a file gives back its bytes, and never as a page', async () => {
  const acme = await clientOf({ tenant: 'acme' });
  const { data } = await acme.send('POST', '/api/files', {
    name: 'x.html',
    mimeType: 'text/html',
    contentBase64: 'PGI+',
  });
  expect(data).not.toHaveProperty('contentBase64');
  const answer = await fetch(`${platform.url}/api/files/${data.id}/content`, {
    headers: { authorization: `Bearer ${acme.token}` },
  });
  expect(await answer.text()).toBe('<b>');
  expect(answer.headers.get('content-type')).toBe('application/octet-stream');
});

test('the page says what runs and what to type; the paths of plugins go to their services', async () => {
  const page = await (await fetch(platform.url)).text();
  expect(page).toContain(`curl -s ${platform.url}/demo/token`);
  expect(page).toContain('globex');
  expect((await fetch(`${platform.url}/readyz`)).status).toBe(200);
  expect((await fetch(`${platform.url}/api/plugins`)).status).toBe(503);
});

test('plugins may read a view of each core model: with its tenant, without what is hidden', async () => {
  const columns = await inPostgres(database.url, async (client) => {
    const { rows } = await client.query<{ view: string; column: string }>(
      `SELECT table_name AS view, column_name AS column FROM information_schema.columns WHERE table_schema = 'plugin_views'`,
    );
    return Map.groupBy(rows, ({ view }) => view);
  });
  expect([...columns.keys()].sort()).toEqual(coreModels.map(({ table }) => table).sort());
  for (const shown of columns.values()) expect(shown.map(({ column }) => column)).toContain('tenant');
  expect(columns.get('files')?.map(({ column }) => column)).not.toContain('content_base64');
});

test('a restart keeps keys and data', async () => {
  const acme = await clientOf({ tenant: 'acme' });
  const { data: project } = await acme.send('POST', '/api/projects', { title: 'Lasting' });
  await platform.closers.closeAll(10_000);
  platform = await start();
  expect(await acme.send('GET', `/api/projects/${project.id}`)).toMatchObject({
    status: 200,
    data: { title: 'Lasting' },
  });
});
