import type { PackageRef } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { ServiceTokens } from '@verifywise/service-kit';
import { SERVICE_TOKEN_HEADER, fetchWithin } from '@verifywise/service-kit';
import type { FetchPackage } from './unpacked-packages.ts';

/** The largest package there may be is 50 MB (S:9.4), on a network between services. */
const FETCH_DEADLINE_MS = 30_000;

/** Fetches packages by digest from the installer's package store. */
export function packageStore(installerUrl: string, tokens: Pick<ServiceTokens, 'sign'>): FetchPackage {
  return async ({ digest, size }: PackageRef) => {
    const answer = await fetchWithin(`${installerUrl}/internal/packages/${encodeURIComponent(digest)}`, {
      deadlineMs: FETCH_DEADLINE_MS,
      maxBytes: size,
      headers: { [SERVICE_TOKEN_HEADER]: await tokens.sign({ audience: 'installer' }) },
    });
    if (answer.status !== 200) {
      answer.discard();
      throw new PlatformError('UPSTREAM_FAILED', `The package store answered ${answer.status} for ${digest}`);
    }
    return answer.bytes();
  };
}
