import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { packageStore } from './package-store.ts';

const bytes = Buffer.from('a package of some bytes');
const ref = { digest: `sha256:${'0'.repeat(64)}`, size: bytes.length };

let folder: string;
let store: Server;
let asked = 0;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vw-store-'));
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

/** A package store that answers its first request with half a package, and the others with the whole. */
async function fetchFrom(status: number, file: string): Promise<void> {
  asked = 0;
  store = createServer((_req, res) => {
    asked += 1;
    res.writeHead(status, { 'content-length': bytes.length });
    if (asked > 1) res.end(bytes);
    else res.write(bytes.subarray(0, 8), () => res.destroy());
  });
  await new Promise<void>((listening) => store.listen(0, '127.0.0.1', listening));
  const { port } = store.address() as AddressInfo;
  const sign = () => Promise.resolve('a token');
  return packageStore(`http://127.0.0.1:${port}`, { sign })(ref, file);
}

test('a package whose fetching breaks off is fetched again, and written whole', async () => {
  const file = join(folder, 'package.zip');
  await fetchFrom(200, file);
  expect(await readFile(file)).toEqual(bytes);
  expect(asked).toBe(2);
});

test('a package that the store does not have is not asked for again', async () => {
  await expect(fetchFrom(404, join(folder, 'package.zip'))).rejects.toMatchObject({ code: 'PACKAGE_NOT_FOUND' });
  expect(asked).toBe(1);
});
