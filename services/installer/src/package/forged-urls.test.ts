import type { LookupAddress } from 'node:dns';
import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { PlatformError } from '@verifywise/contracts';
import '../../../../test/support/patience.ts';
import { forgedUrls } from '../testing/forged-urls.ts';
import { SCRATCH } from '../testing/taken-in.ts';
import { download, type DownloadFrom, type DownloadLimits } from './download.ts';
import { withScratchFile } from './scratch-file.ts';
import { served } from '../testing/served.ts';

const usual = ['github.com', '*.githubusercontent.com'];
const never = new AbortController().signal;
const closers: (() => void)[] = [];
const serving = (listener: RequestListener) => served(listener, closers);

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Every name means these addresses, in turn; asking again may give others. */
function meaning(...addresses: string[]): NonNullable<DownloadLimits['lookup']> {
  const found = addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }));
  return ((_name: string, _options: object, done: (error: null, all: LookupAddress[]) => void) =>
    done(null, found)) as NonNullable<DownloadLimits['lookup']>;
}

async function codeOf(from: Pick<DownloadFrom, 'url'> & Partial<DownloadFrom>, lookup = meaning('127.0.0.1')) {
  const limits = { maxBytes: 1_000, deadlineMs: 5_000, lookup };
  try {
    await withScratchFile(SCRATCH, (file) =>
      download({ local: false, allowedHosts: usual, ...from }, limits, never, file),
    );
  } catch (error) {
    if (error instanceof PlatformError) return error.code;
    throw error;
  }
  return 'downloaded';
}

test('there are enough of them, and no two are the same', () => {
  expect(new Set(forgedUrls.map(([, url]) => url)).size).toBe(forgedUrls.length);
  expect(forgedUrls.length).toBeGreaterThanOrEqual(80);
});

test.each(forgedUrls)('%s is refused before anything is sent', async (_what, url) => {
  expect(await codeOf({ url })).toBe('DOWNLOAD_REFUSED');
});

test.each(forgedUrls.filter(([, url]) => URL.parse(url)?.protocol === 'https:'))(
  '%s is refused, too, where a registry allows its host and every name means this machine',
  async (_what, url) => {
    const target = new URL(url);
    expect(await codeOf({ url, allowedHosts: [target.hostname, target.host] })).toBe('DOWNLOAD_REFUSED');
  },
);

test.each(forgedUrls)('%s is refused as the place a redirect leads to', async (_what, url) => {
  let asked = 0;
  const from = await serving((_req, res) => {
    asked += 1;
    res.writeHead(302, { location: encodeURI(url).replaceAll('%25', '%') }).end();
  });
  expect(await codeOf({ url: from, local: true, allowedHosts: [new URL(from).host] })).toBe('DOWNLOAD_REFUSED');
  expect(asked).toBeGreaterThan(0);
});

describe('a name of an allowed host', () => {
  const url = 'https://github.com/x.zip';

  test.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '::1', '::ffff:192.168.0.1', 'fd00::1', '0.0.0.0'])(
    'that means %s is refused',
    async (address) => {
      expect(await codeOf({ url }, meaning(address))).toBe('DOWNLOAD_REFUSED');
    },
  );

  test('that means one address within among others is refused', async () => {
    expect(await codeOf({ url }, meaning('140.82.121.4', '127.0.0.1'))).toBe('DOWNLOAD_REFUSED');
  });

  test('is looked up once: what is checked is what is connected to', async () => {
    let asked = 0;
    const changing = ((name: string, options: object, done: never) => {
      asked += 1;
      meaning(asked === 1 ? '10.0.0.1' : '140.82.121.4')(name, options, done);
    }) as NonNullable<DownloadLimits['lookup']>;
    expect(await codeOf({ url }, changing)).toBe('DOWNLOAD_REFUSED');
    expect(asked).toBe(1);
  });
});

describe('redirects', () => {
  const local = { local: true, allowedHosts: ['127.0.0.1'] };

  test('are followed five times and no more', async () => {
    const count = { asked: 0 };
    const url = await serving((req, res) => {
      count.asked += 1;
      const left = Number(req.url?.slice(1));
      if (left === 0) res.end('bytes');
      else res.writeHead(302, { location: `/${left - 1}` }).end();
    });
    expect(await codeOf({ url: `${url}/5`, ...local })).toBe('downloaded');
    expect(await codeOf({ url: `${url}/6`, ...local })).toBe('DOWNLOAD_REFUSED');
    expect(count.asked).toBe(12);
  });

  test('take the token to its own origin and to no other', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await serving((req, res) => {
      seen.push(req.headers.authorization);
      res.end('bytes');
    });
    const origin = await serving((req, res) => {
      seen.push(req.headers.authorization);
      res.writeHead(302, { location: req.url === '/first' ? '/second' : elsewhere }).end();
    });
    expect(await codeOf({ url: `${origin}/first`, ...local, token: { value: 'secret', origin } })).toBe('downloaded');
    expect(seen).toEqual(['Bearer secret', 'Bearer secret', undefined]);
  });
});
