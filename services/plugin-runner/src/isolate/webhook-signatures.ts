import {
  givenSignature,
  signatureFits,
  signatureSchemeOf,
  signingBytes,
  UnsignedError,
  type GivenSignature,
} from '@verifywise/contracts';
import { signatureSchemes, type SignatureScheme, type WebhookRequest } from '@verifywise/plugin-types';
import type { WebhookVerification } from '@verifywise/plugin-types';
import { crypto } from './late-crypto.ts';

/** A request that was not signed by whom the plugin trusts; let through in a webhook's handler, it answers 401. */
export class SignatureError extends Error {
  readonly code = 'SIGNATURE_INVALID';
  constructor(message: string) {
    super(message);
    this.name = 'SignatureError';
  }
}

/** `context.webhooks.verify`, with the clock given. */
export function signatureCheck(now: () => number): WebhookVerification['verify'] {
  return (name, secret, request) => {
    const scheme = signatureSchemeOf(name);
    if (scheme === undefined) {
      throw new SignatureError(`There is no scheme "${name}"; choose ${signatureSchemes.join(', ')}`);
    }
    const key = keyOf(scheme, secret);
    if (!Buffer.isBuffer(request.rawBody)) throw new SignatureError('The request has no rawBody to verify');
    const signature = signatureIn(scheme, request, now() / 1_000);
    const digest = crypto().createHmac('sha256', key).update(signature.prefix).update(request.rawBody).digest();
    if (!signatureFits(signature, digest, (one, other) => crypto().timingSafeEqual(one, other)))
      throw new SignatureError('No signature of the request fits its body and the secret');
  };
}

export const verifySignature = signatureCheck(() => Date.now());

function keyOf(scheme: SignatureScheme, secret: unknown): Uint8Array {
  const key = signingBytes(scheme, secret);
  if (key !== undefined) return key;
  throw new SignatureError(
    secret === '' || typeof secret !== 'string'
      ? `No secret is set for ${scheme} webhooks; the plugin's settings must have one`
      : 'The secret is not base64, as those of Standard Webhooks are',
  );
}

function signatureIn(
  scheme: SignatureScheme,
  { headers }: Pick<WebhookRequest, 'headers'>,
  now: number,
): GivenSignature {
  try {
    return givenSignature(scheme, headers, now);
  } catch (error) {
    throw error instanceof UnsignedError ? new SignatureError(error.message) : error;
  }
}
