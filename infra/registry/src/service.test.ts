import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Closers, createLogger } from '@verifywise/service-kit';
import { PluginsOnDisk } from './plugin-on-disk.ts';
import type { RegistryDocument } from './registry-document.ts';
import { serveRegistry } from './serve-registry.ts';
import { startRegistry } from './service.ts';

const log = createLogger('local-registry', 'silent');
const STOP_DEADLINE_MS = 5_000;

let plugins: PluginsOnDisk;
let output: PluginsOnDisk;
let closers: Closers;

beforeEach(async () => {
  plugins = await PluginsOnDisk.make();
  output = await PluginsOnDisk.make();
  closers = new Closers();
});

afterEach(async () => {
  await closers.closeAll(STOP_DEADLINE_MS);
  await plugins.remove();
  await output.remove();
});

function start() {
  const { folder: pluginsFolder } = plugins;
  const config = { host: '127.0.0.1', port: 0, pluginsFolder, outputFolder: output.folder, publicUrl: undefined };
  return startRegistry(config, closers, log);
}

test('what the registry lists can be downloaded and has the checksum it says', async () => {
  await plugins.add('minimal-test-plugin');
  const { url } = await start();
  const document = (await (await fetch(`${url}/registry.json`)).json()) as RegistryDocument;
  expect(document.plugins).toHaveLength(1);
  for (const { download, checksum, icon } of document.plugins) {
    const bytes = Buffer.from(await (await fetch(download)).arrayBuffer());
    expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(checksum);
    expect((await fetch(icon)).headers.get('content-type')).toBe('image/png');
  }
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});

test('who has the registry already is told that nothing changed, also after a restart', async () => {
  await plugins.add('minimal-test-plugin');
  const first = await start();
  const etag = (await fetch(`${first.url}/registry.json`)).headers.get('etag') ?? '';
  const again = () => fetch(`${first.url}/registry.json`, { headers: { 'If-None-Match': etag } });
  expect(etag).not.toBe('');
  expect((await again()).status).toBe(304);
  await closers.closeAll(STOP_DEADLINE_MS);

  closers = new Closers();
  const config = { host: '127.0.0.1', port: first.port, pluginsFolder: plugins.folder, outputFolder: output.folder };
  await startRegistry({ ...config, publicUrl: undefined }, closers, log);
  expect((await again()).status).toBe(304);

  await closers.closeAll(STOP_DEADLINE_MS);
  closers = new Closers();
  await plugins.add('another', { id: 'another' });
  await startRegistry({ ...config, publicUrl: undefined }, closers, log);
  expect((await again()).status).toBe(200);
});

test('files outside of the folder and files that are not there are 404', async () => {
  const { url } = await start();
  for (const path of ['/nothing.zip', '/..%2f..%2fetc/passwd', '/.hidden', '/downloads']) {
    expect((await fetch(`${url}${path}`)).status).toBe(404);
  }
});

test('until the plugins are packed, what an earlier run left is not served', async () => {
  await writeFile(join(output.folder, 'registry.json'), '{}');
  const server = await serveRegistry({ port: 0, folder: output.folder, log });
  closers.addStep('server', () => server.close());
  expect((await fetch(`${server.url}/registry.json`)).status).toBe(503);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
  server.setPublished();
  expect((await fetch(`${server.url}/registry.json`)).status).toBe(200);
});
