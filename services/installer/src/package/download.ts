import { PlatformError, type RegistryToken } from '@verifywise/contracts';
import {
  guardedFetch,
  ResponseTooLargeError,
  type FetchedResponse,
  type GuardedFetchOptions,
} from '@verifywise/service-kit';
import { byteSize } from '../byte-size.ts';
import type { ScratchFile } from './scratch-file.ts';

export interface DownloadFrom {
  url: string;
  /** Plain http and private addresses are fine: a registry on this machine. */
  local: boolean;
  /** Hosts that may be asked; `*.example.com` stands for every host below it. */
  allowedHosts: string[];
  /** Of the registry; it is sent to the registry's own origin only. */
  token?: RegistryToken | null;
}

export type DownloadLimits = Pick<GuardedFetchOptions, 'maxBytes' | 'deadlineMs' | 'lookup'>;

const ACCEPT = 'application/zip, application/octet-stream, */*;q=0.1';

class DownloadFailedError extends PlatformError {
  constructor(url: string, why: string, cause?: unknown) {
    super('DOWNLOAD_FAILED', `${shown(url)} could not be downloaded: ${why}`, { cause });
  }
}

/** Writes what is at a URL into a file. Every hop is checked by scheme, host and the address it resolves to. */
export async function download(
  { url, ...rules }: DownloadFrom,
  limits: DownloadLimits,
  signal: AbortSignal,
  into: ScratchFile,
): Promise<void> {
  try {
    const response = await guardedFetch(
      url,
      { subject: 'The package', ...rules },
      { ...limits, signal, headers: { 'user-agent': 'verifywise-installer', accept: ACCEPT } },
    );
    await save(response, url, into);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ResponseTooLargeError) {
      throw new PlatformError('PACKAGE_TOO_LARGE', `${shown(url)} is larger than ${byteSize(limits.maxBytes)}`);
    }
    const known = error instanceof PlatformError && ['DOWNLOAD_REFUSED', 'DOWNLOAD_FAILED'].includes(error.code);
    if (known || !(error instanceof PlatformError)) throw error;
    throw new DownloadFailedError(url, error.message, error);
  }
}

async function save(response: FetchedResponse, url: string, into: ScratchFile): Promise<void> {
  if (response.status !== 200) {
    response.discard();
    throw new DownloadFailedError(url, `the server answered ${response.status}`);
  }
  for await (const piece of response.stream()) await into.append(piece);
}

/** Queries may hold tokens. */
function shown(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? 'The URL' : `${parsed.origin}${parsed.pathname}`;
}
