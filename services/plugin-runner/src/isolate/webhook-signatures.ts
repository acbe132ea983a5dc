import type { SignatureScheme, WebhookRequest, WebhookVerification } from '@verifywise/plugin-types';
import { crypto } from './late-crypto.ts';

/** How old, or how far ahead, a signed time may be: what Stripe, Slack and Standard Webhooks all recommend. */
const TOLERANCE_SECONDS = 300;

type SignedRequest = Pick<WebhookRequest, 'headers' | 'rawBody'>;
/** Throws unless the request carries the scheme's signature. */
type Scheme = (secret: string, request: SignedRequest, nowSeconds: number) => void;

/** A request that was not signed by whom the plugin trusts; let through in a webhook's handler, it answers 401. */
export class SignatureError extends Error {
  readonly code = 'SIGNATURE_INVALID';
  constructor(message: string) {
    super(message);
    this.name = 'SignatureError';
  }
}

/** docs.github.com, "Validating webhook deliveries": the body alone, in hex. */
const github: Scheme = (secret, request) => {
  const signature = headerOf(request, 'x-hub-signature-256');
  const [, hex = ''] = /^sha256=([0-9a-f]{64})$/i.exec(signature) ?? [];
  needOneOf([hex.toLowerCase()], hmac(secret, [request.rawBody]).toString('hex'));
};

/** docs.stripe.com, "Verify webhook signatures": `t=…,v1=…`, several v1 while a secret is rolled. */
const stripe: Scheme = (secret, request, now) => {
  const parts = headerOf(request, 'stripe-signature')
    .split(',')
    .map((part) => part.trim().split('='));
  const valuesOf = (wanted: string) => parts.flatMap(([name, value = '']) => (name === wanted ? [value] : []));
  const time = recent(valuesOf('t')[0] ?? '', now);
  needOneOf(valuesOf('v1'), hmac(secret, [`${time}.`, request.rawBody]).toString('hex'));
};

/** docs.slack.dev, "Verifying requests from Slack": version, time and body, in hex. */
const slack: Scheme = (secret, request, now) => {
  const time = recent(headerOf(request, 'x-slack-request-timestamp'), now);
  const expected = hmac(secret, [`v0:${time}:`, request.rawBody]).toString('hex');
  needOneOf([headerOf(request, 'x-slack-signature')], `v0=${expected}`);
};

/** standardwebhooks.com: id, time and body, in base64; several signatures while a secret is rolled. */
const standard: Scheme = (secret, request, now) => {
  const id = headerOf(request, 'webhook-id');
  const time = recent(headerOf(request, 'webhook-timestamp'), now);
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  if (key.length === 0) throw new SignatureError('The secret is not base64, as those of Standard Webhooks are');
  const signatures = headerOf(request, 'webhook-signature').split(' ');
  needOneOf(signatures, `v1,${hmac(key, [`${id}.${time}.`, request.rawBody]).toString('base64')}`);
};

const schemes: Record<SignatureScheme, Scheme> = { github, stripe, slack, standard };

/** `context.webhooks.verify`, with the clock given. */
export function signatureCheck(now: () => number): WebhookVerification['verify'] {
  return (scheme, secret, request) => {
    if (!Object.hasOwn(schemes, scheme)) {
      throw new SignatureError(`There is no scheme "${scheme}"; choose ${Object.keys(schemes).join(', ')}`);
    }
    // Anybody can sign with an empty secret.
    if (typeof secret !== 'string' || secret === '') {
      throw new SignatureError(`No secret is set for ${scheme} webhooks; the plugin's settings must have one`);
    }
    if (!Buffer.isBuffer(request.rawBody)) throw new SignatureError('The request has no rawBody to verify');
    schemes[scheme](secret, request, now() / 1_000);
  };
}

export const verifySignature = signatureCheck(() => Date.now());

function headerOf({ headers }: SignedRequest, name: string): string {
  const value = headers[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new SignatureError(`The request has no header ${name}`);
}

/** The time as it was signed, when it is not too far from now: an old request may be a replay. */
function recent(time: string, now: number): string {
  if (!/^\d{1,12}$/.test(time)) throw new SignatureError('The request was signed without a time');
  if (Math.abs(now - Number(time)) > TOLERANCE_SECONDS) {
    throw new SignatureError(`The request was signed more than ${TOLERANCE_SECONDS} s before or after now`);
  }
  return time;
}

function hmac(key: string | Buffer, parts: (string | Buffer)[]): Buffer {
  const digest = crypto().createHmac('sha256', key);
  for (const part of parts) digest.update(part);
  return digest.digest();
}

/** Takes as long for a wrong signature as for the right one, so that nobody can guess it letter by letter. */
function needOneOf(signatures: readonly string[], expected: string): void {
  const wanted = Buffer.from(expected);
  const fits = signatures.filter((signature) => {
    const given = Buffer.from(signature);
    return given.length === wanted.length && crypto().timingSafeEqual(given, wanted);
  });
  if (fits.length === 0) throw new SignatureError('No signature of the request fits its body and the secret');
}
