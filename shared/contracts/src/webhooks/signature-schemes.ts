import { signatureSchemes, type SignatureScheme } from '@verifywise/plugin-types';

/** How old, or how far ahead, a signed time may be: what Stripe, Slack and Standard Webhooks all recommend. */
export const SIGNATURE_TOLERANCE_SECONDS = 300;

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What a request says of its own signature; whoever reads it makes the HMAC with SHA-256 over `prefix` and the body, and compares. */
export interface GivenSignature {
  /** As sent; several while the sender rolls its secret. */
  given: readonly string[];
  /** Signed before the body. */
  prefix: string;
  encoding: 'hex' | 'base64';
  /** What stands before the digest in a signature: `sha256=`. */
  label: string;
}

/** A request that cannot have been signed by whom we trust, or whose signature does not fit. */
export class UnsignedError extends Error {}

/** Reads one scheme's headers; throws UnsignedError when they do not carry its signature, or one that is too old. */
type Scheme = (headers: Headers, nowSeconds: number) => GivenSignature;

/** docs.github.com, "Validating webhook deliveries": the body alone, in hex. */
const github: Scheme = (headers) => hexOf(headerOf(headers, 'x-hub-signature-256'));

/** developer.atlassian.com, "Webhooks: Secure admin webhooks": as WebSub does, `method=signature` over the body alone. */
const jira: Scheme = (headers) => hexOf(headerOf(headers, 'x-hub-signature'));

/** docs.stripe.com, "Verify webhook signatures": `t=…,v1=…`, several v1 while a secret is rolled. */
const stripe: Scheme = (headers, now) => {
  const parts = headerOf(headers, 'stripe-signature')
    .split(',')
    .map((part) => part.trim().split('='));
  const valuesOf = (wanted: string) => parts.flatMap(([name, value = '']) => (name === wanted ? [value] : []));
  const time = recent(valuesOf('t')[0] ?? '', now);
  return { given: valuesOf('v1'), prefix: `${time}.`, encoding: 'hex', label: '' };
};

/** docs.slack.dev, "Verifying requests from Slack": version, time and body, in hex. */
const slack: Scheme = (headers, now) => {
  const time = recent(headerOf(headers, 'x-slack-request-timestamp'), now);
  return { given: [headerOf(headers, 'x-slack-signature')], prefix: `v0:${time}:`, encoding: 'hex', label: 'v0=' };
};

/** standardwebhooks.com: id, time and body, in base64; several signatures while a secret is rolled. */
const standard: Scheme = (headers, now) => {
  const id = headerOf(headers, 'webhook-id');
  const time = recent(headerOf(headers, 'webhook-timestamp'), now);
  const given = headerOf(headers, 'webhook-signature').split(' ');
  return { given, prefix: `${id}.${time}.`, encoding: 'base64', label: 'v1,' };
};

const schemes: Record<SignatureScheme, Scheme> = { github, stripe, slack, jira, standard };

/** The scheme of this name, also under its other one; undefined when there is no such. */
export function signatureSchemeOf(name: unknown): SignatureScheme | undefined {
  if (name === 'standard-webhooks') return 'standard';
  return signatureSchemes.find((scheme) => scheme === name);
}

/** What the request says of its signature. Throws UnsignedError when there is none of the scheme, or one that is too old. */
export function givenSignature(scheme: SignatureScheme, headers: Headers, nowSeconds: number): GivenSignature {
  return schemes[scheme](headers, nowSeconds);
}

/** The bytes that sign; undefined for a secret that cannot be one, because anybody can sign with an empty key. */
export function signingBytes(scheme: SignatureScheme, secret: unknown): Uint8Array | undefined {
  if (typeof secret !== 'string' || secret === '') return undefined;
  const bytes =
    scheme === 'standard' ? Buffer.from(secret.replace(/^whsec_/, ''), 'base64') : Buffer.from(secret, 'utf8');
  return bytes.length === 0 ? undefined : bytes;
}

/** Takes as long for a wrong signature as for the right one, so that nobody can guess it letter by letter. */
export function signatureFits(
  { given, encoding, label }: GivenSignature,
  digest: Buffer,
  timingSafeEqual: (one: Uint8Array, other: Uint8Array) => boolean,
): boolean {
  const wanted = Buffer.from(`${label}${digest.toString(encoding)}`);
  const fits = given.map((signature) => {
    const bytes = Buffer.from(signature);
    return bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
  });
  return fits.includes(true);
}

function hexOf(signature: string): GivenSignature {
  const [, hex] = /^sha256=([0-9a-f]{64})$/i.exec(signature) ?? [];
  return { given: hex === undefined ? [] : [hex.toLowerCase()], prefix: '', encoding: 'hex', label: '' };
}

function headerOf(headers: Headers, name: string): string {
  const value = headers[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new UnsignedError(`The request has no header ${name}`);
}

/** The time as it was signed, when it is not too far from now: an old request may be a replay. */
function recent(time: string, now: number): string {
  if (!/^\d{1,12}$/.test(time)) throw new UnsignedError('The request was signed without a time');
  if (Math.abs(now - Number(time)) > SIGNATURE_TOLERANCE_SECONDS) {
    throw new UnsignedError(`The request was signed more than ${SIGNATURE_TOLERANCE_SECONDS} s before or after now`);
  }
  return time;
}
