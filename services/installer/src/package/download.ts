import { lookup as resolve, type LookupAddress } from 'node:dns';
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { PlatformError } from '@verifywise/contracts';
import { isPublicAddress } from '@verifywise/service-kit';
import { byteSize } from '../byte-size.ts';

export interface DownloadFrom {
  url: string;
  /** Plain http and private addresses are fine: a registry on this machine. */
  local: boolean;
  /** Hosts that may be asked; `*.example.com` stands for every host below it. */
  allowedHosts: string[];
}

export interface DownloadLimits {
  maxBytes: number;
  /** For everything from the first name looked up to the last byte. */
  deadlineMs: number;
}

const MAX_REDIRECTS = 5;
/** A server that sends nothing for so long is not going to. */
const SILENCE_MS = 15_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

class DownloadRefusedError extends PlatformError {
  constructor(why: string) {
    super('DOWNLOAD_REFUSED', `The package is not downloaded: ${why}`);
  }
}

class DownloadFailedError extends PlatformError {
  constructor(url: string, why: string, cause?: unknown) {
    super('DOWNLOAD_FAILED', `${shown(url)} could not be downloaded: ${why}`, { cause });
  }
}

/** The bytes at a URL. Every hop is checked by scheme, host and the address it resolves to, and that very address is used. */
export async function download(from: DownloadFrom, limits: DownloadLimits, signal: AbortSignal): Promise<Buffer> {
  const deadline = AbortSignal.timeout(limits.deadlineMs);
  const until = AbortSignal.any([signal, deadline]);
  let url = from.url;
  try {
    for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
      const target = checkedUrl(url, from);
      const response = await fetchOnce(target, from.local, until);
      const status = response.statusCode ?? 0;
      if (status === 200) return await readAll(response, url, limits.maxBytes);
      response.destroy();
      const { location } = response.headers;
      if (!REDIRECTS.has(status) || location === undefined) {
        throw new DownloadFailedError(url, `the server answered ${status}`);
      }
      url = URL.parse(location, target.href)?.href ?? location;
    }
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    signal.throwIfAborted();
    if (deadline.aborted) throw new DownloadFailedError(url, `it took longer than ${limits.deadlineMs} ms`, error);
    throw new DownloadFailedError(url, error instanceof Error ? error.message : String(error), error);
  }
  throw new DownloadRefusedError(`more than ${MAX_REDIRECTS} redirects`);
}

function checkedUrl(url: string, { local, allowedHosts }: DownloadFrom): URL {
  const target = URL.parse(url);
  if (target === null) throw new DownloadRefusedError('its URL is malformed');
  const schemes = local ? ['https:', 'http:'] : ['https:'];
  if (!schemes.includes(target.protocol)) {
    throw new DownloadRefusedError(`${target.protocol} is not allowed, only ${schemes.join(' ')}`);
  }
  if (target.username !== '' || target.password !== '') throw new DownloadRefusedError('its URL has a password in it');
  if (!allowedHosts.some((allowed) => hostMatches(target.hostname, allowed))) {
    throw new DownloadRefusedError(`${target.hostname} is not among the hosts of its registry`);
  }
  const bare = target.hostname.replace(/^\[|\]$/g, '');
  if (!local && isIP(bare) !== 0 && !isPublicAddress(bare)) {
    throw new DownloadRefusedError(`${bare} is not an address of the internet`);
  }
  return target;
}

function hostMatches(host: string, allowed: string): boolean {
  const pattern = allowed.toLowerCase();
  if (pattern.startsWith('*.')) return host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1;
  return host === pattern || host === `[${pattern}]`;
}

function fetchOnce(target: URL, local: boolean, signal: AbortSignal): Promise<IncomingMessage> {
  const options: RequestOptions = {
    signal,
    timeout: SILENCE_MS,
    headers: { 'user-agent': 'verifywise-installer', accept: 'application/zip, application/octet-stream, */*;q=0.1' },
    ...(local ? {} : { lookup: publicLookup }),
  };
  return new Promise((answer, fail) => {
    const request = (target.protocol === 'https:' ? requestHttps : requestHttp)(target, options);
    request.once('response', answer);
    request.once('error', fail);
    request.once('timeout', () => request.destroy(new Error(`nothing came for ${SILENCE_MS} ms`)));
    request.end();
  });
}

/** The connection goes to an address that was checked here, so a name cannot mean another one a moment later. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) {
      callback(error, '');
      return;
    }
    const hidden = addresses.find(({ address }) => !isPublicAddress(address));
    const first = addresses[0];
    if (hidden !== undefined || first === undefined) {
      callback(new DownloadRefusedError(`${hostname} resolves to ${hidden?.address ?? 'nothing'}`), '');
    } else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

async function readAll(response: IncomingMessage, url: string, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => new PlatformError('PACKAGE_TOO_LARGE', `${shown(url)} is larger than ${byteSize(maxBytes)}`);
  const promised = Number(response.headers['content-length'] ?? 0);
  if (promised > maxBytes) {
    response.destroy();
    throw tooLarge();
  }
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > maxBytes) throw tooLarge();
    pieces.push(piece);
  }
  if (promised > 0 && size !== promised) throw new DownloadFailedError(url, 'it was cut off');
  return Buffer.concat(pieces, size);
}

/** Queries may hold tokens. */
function shown(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? 'The URL' : `${parsed.origin}${parsed.pathname}`;
}
