import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { PackageRef } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { ServiceTokens } from '@verifywise/service-kit';
import { pause } from '../pause.ts';
import { SERVICE_TOKEN_HEADER, fetchWithin } from '@verifywise/service-kit';
import type { FetchPackage } from './unpacked-packages.ts';

/** The largest package there may be is 50 MB (S:9.4), on a network between services. */
const FETCH_DEADLINE_MS = 30_000;
/** An installer that restarts is back within seconds; a hook must not fail because of it. */
const AGAIN_WITHIN_MS = 20_000;
const AGAIN_MS = 500;

/** Fetches packages by digest from the installer's package store; one that does not answer is asked again for a while. */
export function packageStore(installerUrl: string, tokens: Pick<ServiceTokens, 'sign'>): FetchPackage {
  return async (ref, file) => {
    const until = performance.now() + AGAIN_WITHIN_MS;
    for (;;) {
      try {
        await fetchOnce(await tokens.sign({ audience: 'installer' }), { installerUrl, ref, file });
        return;
      } catch (error) {
        const known = error instanceof PlatformError && error.code === 'PACKAGE_NOT_FOUND';
        if (known || performance.now() > until) throw error;
        await pause(AGAIN_MS);
      }
    }
  };
}

interface Fetching {
  installerUrl: string;
  ref: PackageRef;
  /** Begun anew with every attempt. */
  file: string;
}

async function fetchOnce(token: string, { installerUrl, ref: { digest, size }, file }: Fetching): Promise<void> {
  const answer = await fetchWithin(`${installerUrl}/internal/packages/${encodeURIComponent(digest)}`, {
    deadlineMs: FETCH_DEADLINE_MS,
    maxBytes: size,
    headers: { [SERVICE_TOKEN_HEADER]: token },
  });
  if (answer.status === 200) return pipeline(answer.stream(), createWriteStream(file));
  answer.discard();
  if (answer.status === 404) throw new PlatformError('PACKAGE_NOT_FOUND', `The package store has no ${digest}`);
  throw new PlatformError('UPSTREAM_FAILED', `The package store answered ${answer.status} for ${digest}`);
}
