import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../../../../test/support/eventually.ts';
import { RunnerRoom } from '../../testing/runner-room.ts';
import type { RunnerProcess } from '../../testing/runner-process.ts';
import { TRIER, attempt } from '../../testing/trier.ts';

/** Everything a plugin may call to read a file, and to write one. */
const READS: [form: string, code: (path: string) => string][] = [
  ['readFileSync', (path) => `return require('fs').readFileSync(${path}, 'utf8')`],
  ['readFileSync kept early', (path) => `return early.fs.readFileSync(${path}, 'utf8')`],
  [
    'readFile',
    (path) =>
      `return new Promise((resolve, reject) => require('fs').readFile(${path}, 'utf8', (error, text) => error ? reject(error) : resolve(text)))`,
  ],
  ['promisify(readFile)', (path) => `return require('util').promisify(require('fs').readFile)(${path}, 'utf8')`],
  ['fs.promises', (path) => `return require('fs').promises.readFile(${path}, 'utf8')`],
  [
    'fs/promises imported',
    (path) => `const { readFile } = await import('node:fs/promises'); return readFile(${path}, 'utf8')`,
  ],
  [
    'FileHandle',
    (path) =>
      `const file = await require('fs/promises').open(${path}); try { return await file.readFile('utf8') } finally { await file.close() }`,
  ],
  [
    'createReadStream',
    (path) =>
      `let text = ''; for await (const part of require('fs').createReadStream(${path}, 'utf8')) text += part; return text`,
  ],
  [
    'openSync',
    (path) =>
      `const fs = require('fs'); const file = fs.openSync(${path}); try { return fs.readFileSync(file, 'utf8') } finally { fs.closeSync(file) }`,
  ],
];
const WRITES: [form: string, code: (path: string) => string][] = [
  ['writeFileSync', (path) => `require('fs').writeFileSync(${path}, 'x')`],
  [
    'writeFile',
    (path) =>
      `await new Promise((resolve, reject) => require('fs').writeFile(${path}, 'x', (error) => error ? reject(error) : resolve()))`,
  ],
  ['fs.promises', (path) => `await require('fs').promises.writeFile(${path}, 'x')`],
  ['appendFile', (path) => `await require('fs/promises').appendFile(${path}, 'x')`],
  [
    'createWriteStream',
    (path) =>
      `const stream = require('fs').createWriteStream(${path}); stream.end('x'); return said(stream, 'finish').then(() => null)`,
  ],
  ['mkdirSync', (path) => `require('fs').mkdirSync(${path} + '.folder', { recursive: true })`],
];
const inScratch = (name: string) => `require('os').tmpdir() + '/${name}'`;

describe('the files of a plugin', () => {
  let room: RunnerRoom;
  let runner: RunnerProcess;
  let shared: string;
  beforeAll(async () => {
    shared = await mkdtemp(join(tmpdir(), 'vwr-shared-'));
    await writeFile(join(shared, 'list.txt'), 'for all');
    room = await RunnerRoom.open();
    runner = await room.startRunner({ PLUGIN_READABLE_FOLDERS: shared });
    const code = { 'index.js': TRIER, 'data/own.txt': 'own' };
    await room.enabled({ tenant: 'may', code, granted: ['filesystem:read', 'filesystem:write'] });
    await room.enabled({ tenant: 'reads', code, granted: ['filesystem:read'] });
    await room.enabled({ tenant: 'writes', code, granted: ['filesystem:write'] });
    await room.enabled({ tenant: 'may-not', code, granted: [] });
  });
  afterAll(async () => {
    await room.close();
    await rm(shared, { recursive: true, force: true });
  });

  const denied = (permission: string) => ({
    name: 'PermissionDeniedError',
    code: 'PERMISSION_DENIED',
    message: expect.stringContaining(permission),
  });

  test.each(READS)('%s: its own package always, others not without filesystem:read', async (_form, read) => {
    expect(await attempt(runner, 'may-not', read(`__dirname + '/data/own.txt'`))).toEqual({ answer: 'own' });
    expect(await attempt(runner, 'may-not', read(`'/etc/hostname'`))).toEqual(denied('filesystem:read'));
    expect(await attempt(runner, 'may-not', read(`'${shared}/list.txt'`))).toEqual(denied('filesystem:read'));
    expect(await attempt(runner, 'reads', read(`'${shared}/list.txt'`))).toEqual({ answer: 'for all' });
    expect(await attempt(runner, 'reads', read(`'/etc/hostname'`))).toEqual(denied('filesystem:read'));
  });

  test.each(WRITES)('%s: the scratch folder with filesystem:write, its own package never', async (form, write) => {
    expect(await attempt(runner, 'may', write(inScratch(form)))).toEqual({ answer: null });
    expect(await attempt(runner, 'may', write(`__dirname + '/own.txt'`))).toEqual(denied('filesystem:write'));
    expect(await attempt(runner, 'may', write(`'${shared}/list.txt'`))).toEqual(denied('filesystem:write'));
    expect(await attempt(runner, 'reads', write(inScratch(form)))).toEqual(denied('filesystem:write'));
    expect(await attempt(runner, 'may-not', write(inScratch(form)))).toEqual(denied('filesystem:write'));
  });

  test('who may write in the scratch folder reads back what it wrote, and nothing else', async () => {
    const back = `const fs = require('fs'); const file = require('os').tmpdir() + '/note'; fs.writeFileSync(file, 'x'); return fs.readFileSync(file, 'utf8')`;
    expect(await attempt(runner, 'writes', back)).toEqual({ answer: 'x' });
    expect(await attempt(runner, 'writes', `return require('fs').readFileSync('${shared}/list.txt')`)).toEqual(
      denied('filesystem:read'),
    );
  });

  test('a file becomes no larger than 100 MB, and the plugin that tried goes on', async () => {
    const code = `const fs = require('fs'); const file = require('os').tmpdir() + '/large'; fs.writeFileSync(file, ''); fs.truncateSync(file, 100 * 1024 * 1024); fs.appendFileSync(file, 'x');`;
    expect(await attempt(runner, 'writes', code)).toMatchObject({ code: 'EFBIG' });
    const left = `return require('fs').statSync(require('os').tmpdir() + '/large').size`;
    expect(await attempt(runner, 'writes', left)).toEqual({ answer: 100 * 1024 * 1024 });
  });

  test('a scratch folder is one of this tenant and plugin alone, and gone when the plugin leaves', async () => {
    const code = { 'index.js': TRIER };
    const granted = ['filesystem:read', 'filesystem:write'];
    const installation = await room.enabled({ tenant: 'leaves', code, granted });
    const folder = (await attempt(runner, 'leaves', `return require('os').tmpdir()`)).answer as string;
    const other = (await attempt(runner, 'may', `return require('os').tmpdir()`)).answer as string;
    expect(
      await attempt(
        runner,
        'leaves',
        `require('fs').writeFileSync(require('os').tmpdir() + '/mine.txt', 'mine'); return require('fs').readdirSync(require('os').tmpdir())`,
      ),
    ).toEqual({ answer: ['mine.txt'] });
    expect(await attempt(runner, 'may', `return require('fs').readFileSync('${folder}/mine.txt', 'utf8')`)).toEqual(
      denied('filesystem:read'),
    );
    expect(await attempt(runner, 'leaves', `require('fs').writeFileSync('${other}/theirs.txt', '')`)).toEqual(
      denied('filesystem:write'),
    );
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    await room.forget(installation);
    await eventually(async () =>
      expect(await readdir(folder).catch((error: unknown) => (error as NodeJS.ErrnoException).code)).toBe('ENOENT'),
    );
  });

  test('nothing of the runner can be reached by a way around', async () => {
    const around: [way: string, code: string, expected: unknown][] = [
      [
        'a link',
        `require('fs').symlinkSync('/etc/hostname', require('os').tmpdir() + '/link')`,
        denied('filesystem:write'),
      ],
      ['a database file', `new (require('node:sqlite').DatabaseSync)('${room.scratch}/x.db')`, denied('context.db')],
      ['an environment', `return require('fs').readFileSync('/proc/self/environ', 'utf8')`, denied('filesystem:read')],
      [
        'the runner',
        `return require('fs').readFileSync('/proc/' + process.ppid + '/environ', 'utf8')`,
        denied('filesystem:read'),
      ],
      ['a folder above', `return require('fs').readdirSync(__dirname + '/..')`, denied('filesystem:read')],
      ['a module elsewhere', `return require('${import.meta.dirname}/replace.ts')`, denied('filesystem:read')],
      [
        'a copy',
        `await require('fs/promises').cp('/etc/hostname', require('os').tmpdir() + '/copy')`,
        denied('filesystem:read'),
      ],
    ];
    for (const [way, code, expected] of around)
      expect([way, await attempt(runner, 'may', code)]).toEqual([way, expected]);
    expect(await attempt(runner, 'may', `return Object.keys(process.env).sort()`)).toEqual({
      answer: ['NODE_ENV', 'TMPDIR'],
    });
    expect(await attempt(runner, 'may-not', `return process.env`)).toEqual({ answer: { NODE_ENV: 'production' } });
  });
});
