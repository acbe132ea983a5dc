import { afterEach, describe, expect, test } from '@jest/globals';
import { LoneIsolate } from '../testing/lone-isolate.ts';

/** What a plugin says in `onLoad`, for the test to hear. */
const says = (what: string) => `ctx.logger.info('saw', ${what})`;

describe('loading a plugin', () => {
  let isolate: LoneIsolate | undefined;
  afterEach(async () => {
    await isolate?.stop();
    isolate = undefined;
  });

  /** Loads the plugin, runs its first hook and answers what it said. */
  async function seen(files: Record<string, string>): Promise<unknown> {
    const entry = Object.keys(files).find((name) => name.startsWith('index.')) as string;
    isolate = await LoneIsolate.start({ files, entry });
    await isolate.call('hook', { hook: 'onLoad', options: {} });
    const lines = isolate.said.filter((message) => message.kind === 'log');
    return lines.find(({ message }) => message === 'saw')?.meta;
  }

  test.each<[shape: string, files: Record<string, string>]>([
    ['module.exports', { 'index.js': `module.exports = { onLoad(ctx) { ${says('1')} } };` }],
    ['exports.plugin', { 'index.js': `exports.plugin = { onLoad(ctx) { ${says('1')} } };` }],
    ['exports.default', { 'index.js': `exports.default = { onLoad(ctx) { ${says('1')} } };` }],
    ['exports of hooks', { 'index.js': `exports.onLoad = (ctx) => { ${says('1')} };` }],
    [
      'a transpiled default',
      {
        'index.js': `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = { onLoad(ctx) { ${says('1')} } };`,
      },
    ],
    [
      'a transpiled plugin',
      {
        'index.js': `Object.defineProperty(exports, '__esModule', { value: true }); exports.plugin = { onLoad(ctx) { ${says('1')} } };`,
      },
    ],
    [
      'an instance of a class',
      { 'index.js': `class Plugin { #one = 1; onLoad(ctx) { ${says('this.#one')} } } module.exports = new Plugin();` },
    ],
    ['index.cjs', { 'index.cjs': `module.exports = { onLoad(ctx) { ${says('1')} } };` }],
    ['export default', { 'index.js': `export default { onLoad(ctx) { ${says('1')} } };` }],
    ['export default in index.mjs', { 'index.mjs': `export default { onLoad(ctx) { ${says('1')} } };` }],
    ['export const plugin', { 'index.js': `export const plugin = { onLoad(ctx) { ${says('1')} } };` }],
    ['exported hooks', { 'index.js': `export function onLoad(ctx) { ${says('1')} }` }],
    [
      'type: module',
      { 'package.json': '{"type":"module"}', 'index.js': `export default { onLoad(ctx) { ${says('1')} } };` },
    ],
    [
      'an instance of an exported class',
      { 'index.js': `class Plugin { async onLoad(ctx) { ${says('1')} } } export default new Plugin();` },
    ],
  ])('takes the plugin from %s', async (_shape, files) => {
    expect(await seen(files)).toBe(1);
  });

  test('a CommonJS plugin has its own files, its own libraries, and knows where it is', async () => {
    const saw = await seen({
      'index.js': `
        const { join } = require('path');
        const library = require('library');
        const lazily = () => import('./lib/late.mjs');
        module.exports = { async onLoad(ctx) { ${says(`[
          require('./lib').name, require('./data.json').five, library(), (await lazily()).late,
          require('fs').readFileSync(join(__dirname, 'data.json'), 'utf8'), __filename === join(__dirname, 'index.js'), require.resolve('./lib') === join(__dirname, 'lib/index.js'), process.cwd() === __dirname]`)} } };`,
      'lib/index.js': `exports.name = 'lib';`,
      'lib/late.mjs': `export const late = 'late';`,
      'data.json': '{"five":5}',
      'node_modules/library/package.json': '{"name":"library","main":"main.js"}',
      'node_modules/library/main.js': `module.exports = () => 'library';`,
    });
    expect(saw).toEqual(['lib', 5, 'library', 'late', '{"five":5}', true, true, true]);
  });

  test('an ESM plugin imports files, JSON and libraries, requires, and waits at its top', async () => {
    const saw = await seen({
      'package.json': '{"type":"module"}',
      'index.js': `
        import { createRequire } from 'node:module';
        import { readFileSync } from 'fs';
        import { join } from 'node:path';
        import { name } from './lib/name.js';
        import data from './data.json' with { type: 'json' };
        import library, { named } from 'library';
        const require = createRequire(import.meta.url);
        const late = await Promise.resolve('late');
        export default { async onLoad(ctx) { ${says(`[
          name, data.five, library(), named, late, require('./old.cjs'), (await import('./lib/name.js')).name,
          readFileSync(join(import.meta.dirname, 'data.json'), 'utf8'), readFileSync(new URL('data.json', import.meta.url), 'utf8')]`)} } };`,
      'lib/name.js': `export const name = 'lib';`,
      'data.json': '{"five":5}',
      'old.cjs': `module.exports = 'old';`,
      'node_modules/library/package.json': '{"name":"library","exports":"./main.cjs"}',
      'node_modules/library/main.cjs': `module.exports = () => 'library'; module.exports.named = 'named';`,
    });
    expect(saw).toEqual(['lib', 5, 'library', 'named', 'late', 'old', 'lib', '{"five":5}', '{"five":5}']);
  });

  test('a plugin that changes what is global changes nothing for its isolate', async () => {
    const saw = await seen({
      'index.js': `
        const nothing = () => undefined;
        for (const name of ['setTimeout', 'clearTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch']) globalThis[name] = nothing;
        for (const name of ['log', 'info', 'error']) console[name] = nothing;
        process.send = nothing; process.kill = nothing; process.nextTick = process.nextTick;
        process.env = {}; process.pid = 1;
        String.prototype.shout = function () { return this.toUpperCase(); };
        Error.prepareStackTrace = () => 'no stack';
        module.exports = {
          async onLoad(ctx) { ${says(`'it'.shout()`)} },
          onEnable(ctx) { void ctx.metadata.get('user', 1, 'x'); },
          routes(router) { router.get('/', (req, res) => res.json({})); },
        };`,
    });
    expect(saw).toBe('IT');
    await isolate?.call('hook', { hook: 'onEnable', options: {} });
    expect(isolate?.said).toContainEqual(expect.objectContaining({ kind: 'call', call: 'metadata.get' }));
    expect(await isolate?.call('ping', null)).toBeNull();
    const gone = new Promise((resolve) => isolate?.child.once('exit', (_code, signal) => resolve(signal)));
    isolate?.hangUp();
    expect(await gone).toBe('SIGKILL');
  });

  test.each([
    ['a plugin that is none', { 'index.js': 'module.exports = 5;' }, 'exports no plugin object'],
    [
      'a missing module',
      { 'index.js': `require('./lib/a.js');`, 'lib/a.js': `require('not-there');` },
      /^Cannot find module 'not-there', which lib\/a\.js requires$/,
    ],
    [
      'a missing file',
      { 'index.js': `import './not-there.js'; export default {};` },
      /^Cannot find module 'not-there\.js' imported from index\.js$/,
    ],
    [
      'routes that are no function',
      { 'index.js': 'module.exports = { routes: {} };' },
      "index.js: `routes` must be a function, like (router) => { router.get('/hello', …) }, and is an object",
    ],
    [
      'a hook that is none',
      { 'index.js': `module.exports = { onEnable: 'yes' };` },
      '`onEnable` must be a function, like async (context) => { … }, and is a string',
    ],
    [
      'webhooks that are not returned at once',
      { 'index.js': 'module.exports = { async webhooks() { return {}; } };' },
      /`webhooks` must be like .*, and returned a promise$/,
    ],
    [
      'a webhook without its handler',
      { 'index.js': 'module.exports = { webhooks: () => ({ paid() {} }) };' },
      'what it returned has a function as "paid"',
    ],
    ['wrong grammar', { 'index.js': 'module.exports = {' }, 'index.js:1: Unexpected end of input'],
    [
      'wrong grammar in a file it imports',
      { 'index.js': `module.exports = require('./lib/half.js');`, 'lib/half.js': '\n\nexports.half = ;' },
      'lib/half.js:3: Unexpected token',
    ],
    ['an error at its top', { 'index.js': `throw new Error('at the top');` }, 'at the top'],
    [
      'an error after waiting at its top',
      { 'index.js': `await Promise.reject(new Error('after waiting')); export default {};` },
      'after waiting',
    ],
    ['what it was not granted at its top', { 'index.js': `require('net').connect(1, '8.8.8.8');` }, 'http:outbound'],
    ['another id', { 'index.js': `module.exports = { manifest: { id: 'other' } };` }, 'manifest of other'],
    [
      'another version',
      { 'index.js': `module.exports = { manifest: { version: '2.0.0' } };` },
      'manifest of version 2.0.0',
    ],
  ])('%s is an error that says so', async (_what, files, message) => {
    await expect(LoneIsolate.start({ files })).rejects.toThrow(message);
  });

  test('handlers that cannot be called are an error that says so when it is enabled', async () => {
    const files = { 'index.js': `module.exports = { eventHandlers: () => ({ 'risk.created': 'onRisk' }) };` };
    isolate = await LoneIsolate.start({ files });
    await expect(isolate.call('hook', { hook: 'onEnable', options: {} })).rejects.toThrow(
      /^index\.js: `eventHandlers` must be like .*, and what it returned has a string as "risk\.created"$/,
    );
  });
});
