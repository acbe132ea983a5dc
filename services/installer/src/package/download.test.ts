import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { PlatformError } from '@verifywise/contracts';
import '../../../../test/support/patience.ts';
import { SCRATCH } from '../testing/taken-in.ts';
import { download, type DownloadFrom, type DownloadLimits } from './download.ts';
import { withScratchFile } from './scratch-file.ts';
import { served } from '../testing/served.ts';

const bounds = { maxBytes: 1_000, deadlineMs: 5_000 };
const never = new AbortController().signal;
const closers: (() => void)[] = [];
const serve = (listener: RequestListener) => served(listener, closers);

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function downloaded(from: DownloadFrom, limits: DownloadLimits = bounds): Promise<Buffer> {
  return withScratchFile(SCRATCH, async (file) => {
    await download(from, limits, never, file);
    return file.read(0, file.size);
  });
}

async function codeOf(from: Partial<DownloadFrom> & { url: string }, limits = bounds): Promise<string> {
  try {
    await downloaded({ local: true, allowedHosts: ['127.0.0.1'], ...from }, limits);
  } catch (error) {
    if (error instanceof PlatformError) return error.code;
    throw error;
  }
  return 'downloaded';
}

describe('every hop', () => {
  test('is followed where it may go', async () => {
    const url = await serve((req, res) => {
      if (req.url === '/x.zip') res.writeHead(302, { location: '/moved.zip' }).end();
      else res.end('bytes');
    });
    const from = { url: `${url}/x.zip`, local: true, allowedHosts: ['127.0.0.1'] };
    expect((await downloaded(from)).toString()).toBe('bytes');
  });

  test('is refused where it may not: another host, another scheme, a circle', async () => {
    const to = async (location: string) => await serve((_req, res) => res.writeHead(302, { location }).end());
    expect(await codeOf({ url: await to('http://localhost:1/') })).toBe('DOWNLOAD_REFUSED');
    expect(await codeOf({ url: await to('ftp://127.0.0.1/') })).toBe('DOWNLOAD_REFUSED');
    expect(await codeOf({ url: await to('/') })).toBe('DOWNLOAD_REFUSED');
  });
});

describe('what is too much or too little', () => {
  test('is given up: more bytes than allowed, fewer than promised, an error, silence', async () => {
    expect(await codeOf({ url: await serve((_req, res) => res.end(Buffer.alloc(1_001))) })).toBe('PACKAGE_TOO_LARGE');
    const endless = await serve((_req, res) => {
      res.write(Buffer.alloc(800));
      res.write(Buffer.alloc(800));
    });
    expect(await codeOf({ url: endless })).toBe('PACKAGE_TOO_LARGE');
    const short = await serve((_req, res) => {
      res.writeHead(200, { 'content-length': 100 }).write('short');
      setImmediate(() => res.destroy());
    });
    expect(await codeOf({ url: short })).toBe('DOWNLOAD_FAILED');
    expect(await codeOf({ url: await serve((_req, res) => res.writeHead(500).end()) })).toBe('DOWNLOAD_FAILED');
    const silent = await serve(() => undefined);
    expect(await codeOf({ url: silent }, { ...bounds, deadlineMs: 100 })).toBe('DOWNLOAD_FAILED');
    expect(await codeOf({ url: 'http://127.0.0.1:1/' })).toBe('DOWNLOAD_FAILED');
  });
});
