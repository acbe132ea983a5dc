import type { SurfaceVerify } from '@verifywise/contracts';
import { declaredAs, type AcceptWebhookParts } from '../intake/accept-webhook.ts';
import type { Endpoint } from '../intake/endpoint.ts';
import type { FindByAccountParts } from '../intake/find-by-account.ts';
import { beginVerification, SignatureRefusedError } from './verify-webhook.ts';

interface Secrets {
  find(endpoint: Endpoint, verify: SurfaceVerify): Promise<string[]>;
}

/** Verifies requests with the secrets that are set now; one that is refused is noted, with why. */
export function createVerification(
  secrets: Secrets,
  watch: { unsigned(endpoint: Endpoint, reason: string): void },
): AcceptWebhookParts['verification'] {
  return async (endpoint, verify, headers) => {
    const noted = <T>(work: () => T): T => {
      try {
        return work();
      } catch (error) {
        if (error instanceof SignatureRefusedError) watch.unsigned(endpoint, error.why);
        throw error;
      }
    };
    const found = await secrets.find(endpoint, verify);
    const begun = noted(() => beginVerification(verify, found, headers, Date.now()));
    return { see: (chunk) => begun.see(chunk), finish: () => noted(() => begun.finish()) };
  };
}

/** Whether a request is signed as a webhook expects that it might be for. */
export function createIsSigned({
  surfaces,
  verifyOf,
  secrets,
}: Pick<AcceptWebhookParts, 'surfaces' | 'verifyOf'> & { secrets: Secrets }): FindByAccountParts['isSigned'] {
  return async (endpoint, { headers }, body) => {
    const webhook = declaredAs(await surfaces.find(endpoint.tenant, endpoint.pluginId), endpoint.webhook);
    const verify = webhook && (await verifyOf(endpoint, webhook));
    if (verify === undefined) return false;
    try {
      const begun = beginVerification(verify, await secrets.find(endpoint, verify), headers, Date.now());
      begun.see(body);
      begun.finish();
      return true;
    } catch (error) {
      if (error instanceof SignatureRefusedError) return false;
      throw error;
    }
  };
}
