import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  givenSignature,
  PlatformError,
  signatureFits,
  signingBytes,
  UnsignedError,
  type GivenSignature,
  type SurfaceVerify,
} from '@verifywise/contracts';
import type { WebhookRequest } from '../intake/webhook-request.ts';

/** The same whatever was wrong: why it was is in our log, and no help for who guesses. */
export class SignatureRefusedError extends PlatformError {
  readonly why: string;
  constructor(why: string) {
    super('SIGNATURE_INVALID', 'The request is not signed as this webhook expects; check the secret set at the sender');
    this.why = why;
  }
}

/** Sees the body as it comes, so that nothing of it has to be held. */
export interface Verification {
  see(chunk: Buffer): void;
  /** Throws SignatureRefusedError when no signature of the request fits any of the secrets. */
  finish(): void;
}

/** Begins to verify a request. Throws SignatureRefusedError at once when it cannot turn out well: unsigned, too old, or no secret set. */
export function beginVerification(
  { scheme }: Pick<SurfaceVerify, 'scheme'>,
  secrets: readonly string[],
  headers: WebhookRequest['headers'],
  nowMs: number,
): Verification {
  const keys = secrets.flatMap((secret) => signingBytes(scheme, secret) ?? []);
  if (keys.length === 0) throw new SignatureRefusedError('no secret is set for it');
  const signature = signatureIn(scheme, headers, nowMs / 1_000);
  const digests = keys.map((key) => createHmac('sha256', key).update(signature.prefix));
  return {
    see(chunk) {
      for (const digest of digests) digest.update(chunk);
    },
    finish() {
      const fits = digests.map((digest) => signatureFits(signature, digest.digest(), timingSafeEqual));
      if (!fits.includes(true)) throw new SignatureRefusedError('its signature fits no secret that is set');
    },
  };
}

function signatureIn(
  scheme: SurfaceVerify['scheme'],
  headers: WebhookRequest['headers'],
  nowSeconds: number,
): GivenSignature {
  try {
    return givenSignature(scheme, headers, nowSeconds);
  } catch (error) {
    throw error instanceof UnsignedError ? new SignatureRefusedError(error.message) : error;
  }
}
