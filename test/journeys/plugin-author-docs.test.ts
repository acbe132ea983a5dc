import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBroker, type Broker } from '../../shared/broker/src/index.ts';
import { readManifest } from '../../shared/contracts/src/index.ts';
import { createLogger } from '../../shared/service-kit/src/index.ts';
import { exampleUses } from '../support/doc-example-uses.ts';
import { PluginAuthor } from '../support/plugin-author.ts';
import { readAuthorDocs } from '../support/plugin-author-docs.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';

const docs = await readAuthorDocs();
const outside = createServer((_req, res) => res.setHeader('content-type', 'application/json').end('{"up":true}'));
let platform: TestPlatform;
let author: PluginAuthor;
let host: Broker;
let outsideUrl: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
  const { port } = outside.address() as AddressInfo;
  outsideUrl = `http://127.0.0.1:${port}/`;
  platform = await startTestPlatform({
    settingsOf: { 'plugin-runner': { PLUGIN_EGRESS_ALLOW: `127.0.0.1:${port}` } },
  });
  author = await PluginAuthor.of(platform, 'authors');
  const log = createLogger('test-host', 'silent');
  host = await connectBroker({ url: platform.backing.brokerUrl, source: 'test-host', partitions: 8, log });
});
afterAll(async () => {
  outside.close();
  await host.close();
  await platform.stop();
});

test('every block of the pages is part of a plugin, and every plugin is used here', () => {
  expect(docs.unknown).toEqual([]);
  expect(docs.examples.map(({ manifest }) => manifest.id).sort()).toEqual(Object.keys(exampleUses).sort());
});

test.each(docs.examples.map((example) => [example.manifest.id, example.page, example] as const))(
  '%s (%s) does what its page says',
  async (id, _page, { manifest, files }) => {
    expect(readManifest(manifest, 'publish')).toMatchObject({ ok: true });
    expect(Object.keys(files)).not.toEqual([]);
    const example = exampleUses[id];
    if (example === undefined) throw new Error(`Nothing is known of ${id}`);
    await author.upload(manifest, files);
    if (example.config) await author.put(`/api/plugins/${id}/config`, { config: example.config });
    const enabled = await author.post(`/api/plugins/${id}/enable`, { withDependencies: true });
    expect(enabled).toMatchObject({ status: 200 });
    await example.use({ author, host, outsideUrl });
    expect(await author.uninstall(id, true)).toMatchObject({ status: 200 });
  },
);
