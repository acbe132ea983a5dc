import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { SignatureScheme } from '@verifywise/plugin-types';
import { signatureCheck } from './webhook-signatures.ts';

interface Signed {
  scheme: SignatureScheme;
  secret: string;
  body: string;
  headers: Record<string, string>;
  /** Seconds; the scheme's own where it signs a time. */
  at: number;
}

/** As printed in docs.github.com, "Validating webhook deliveries: Testing the webhook payload validation". */
const GITHUB: Signed = {
  scheme: 'github',
  secret: "It's a Secret to Everybody",
  body: 'Hello, World!',
  headers: { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' },
  at: 0,
};
/** As printed in docs.slack.dev, "Verifying requests from Slack". */
const SLACK: Signed = {
  scheme: 'slack',
  secret: '8f742231b10e8888abcd99yyyzzz85a5',
  body:
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar' +
    '&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com' +
    '%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  headers: {
    'x-slack-request-timestamp': '1531420618',
    'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
  },
  at: 1_531_420_618,
};
/** As printed in developer.atlassian.com, "Webhooks: Secure admin webhooks". */
const JIRA: Signed = {
  scheme: 'jira',
  secret: "It's a Secret to Everybody",
  body: 'Hello World!',
  headers: { 'x-hub-signature': 'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9' },
  at: 0,
};
/** As in the test suite of Standard Webhooks' own libraries. */
const STANDARD: Signed = {
  scheme: 'standard',
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  body: '{"test": 2432232314}',
  headers: {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  },
  at: 1_614_265_330,
};
/** Stripe prints no secret with its example, so this is signed as "Verify webhook signatures manually" says to. */
const STRIPE: Signed = {
  scheme: 'stripe',
  secret: 'whsec_test_secret',
  body: '{\n  "id": "evt_test_webhook",\n  "object": "event"\n}',
  headers: {
    'stripe-signature': `t=1492774577,v0=6ffbb59b2300aae63f272406069a9788,v1=${stripeSignature(1_492_774_577)}`,
  },
  at: 1_492_774_577,
};
function stripeSignature(time: number, secret = 'whsec_test_secret'): string {
  return createHmac('sha256', secret)
    .update(`${time}.{\n  "id": "evt_test_webhook",\n  "object": "event"\n}`)
    .digest('hex');
}

function verify({ scheme, secret, body, headers, at }: Signed): void {
  signatureCheck(() => at * 1_000)(scheme, secret, { headers, rawBody: Buffer.from(body) });
}
const refused = expect.objectContaining({ name: 'SignatureError', code: 'SIGNATURE_INVALID' });
const outcome = (signed: Signed): unknown => {
  try {
    verify(signed);
    return 'accepted';
  } catch (error) {
    return error;
  }
};

describe.each([GITHUB, SLACK, JIRA, STANDARD, STRIPE])('a webhook signed as $scheme', (signed) => {
  test('is accepted as it was sent', () => {
    expect(outcome(signed)).toBe('accepted');
  });

  test('is refused with another secret, body, or header', () => {
    expect(outcome({ ...signed, secret: `${signed.secret.slice(0, -4)}AAAA` })).toEqual(refused);
    expect(outcome({ ...signed, body: `${signed.body} ` })).toEqual(refused);
    expect(outcome({ ...signed, body: '' })).toEqual(refused);
    for (const header of Object.keys(signed.headers)) {
      const { [header]: value = '', ...others } = signed.headers;
      expect([header, outcome({ ...signed, headers: others })]).toEqual([header, refused]);
      for (const wrong of ['', 'x', `${value}0`, value.slice(0, -1), '=', ',', 'v1', 'sha256=', 't=,v1=']) {
        expect([wrong, outcome({ ...signed, headers: { ...others, [header]: wrong } })]).toEqual([wrong, refused]);
      }
    }
  });

  test('is refused with no secret, and without the bytes that were signed', () => {
    expect(outcome({ ...signed, secret: '' })).toEqual(refused);
    const check = signatureCheck(() => signed.at * 1_000);
    expect(() => check(signed.scheme, undefined as never, { ...signed, rawBody: Buffer.from(signed.body) })).toThrow(
      'No secret is set',
    );
    expect(() => check(signed.scheme, signed.secret, { headers: signed.headers } as never)).toThrow('rawBody');
    expect(() => check('gitlab' as never, signed.secret, { ...signed, rawBody: Buffer.from('') })).toThrow('no scheme');
    expect(() => check('toString' as never, signed.secret, { ...signed, rawBody: Buffer.from('') })).toThrow(
      'no scheme',
    );
  });
});

describe.each([SLACK, STANDARD, STRIPE])('the time signed as $scheme', (signed) => {
  test.each([
    ['300 s old', 300, 'accepted'],
    ['301 s old', 301, refused],
    ['300 s ahead', -300, 'accepted'],
    ['301 s ahead', -301, refused],
  ])('%s', (_age, later, expected) => {
    expect(outcome({ ...signed, at: signed.at + later })).toEqual(expected);
  });
});

test('while a secret is rolled, one fitting signature of several is enough', () => {
  const old = stripeSignature(STRIPE.at, 'whsec_old');
  const rolled = { 'stripe-signature': `t=${STRIPE.at},v1=${old},v1=${stripeSignature(STRIPE.at)}` };
  expect(outcome({ ...STRIPE, headers: rolled })).toBe('accepted');
  const fitting = STANDARD.headers['webhook-signature'] as string;
  const several = (signatures: string) => ({
    ...STANDARD,
    headers: { ...STANDARD.headers, 'webhook-signature': signatures },
  });
  expect(
    outcome(
      several(
        `v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== ${fitting}`,
      ),
    ),
  ).toBe('accepted');
  expect(outcome(several(fitting.replace('v1,', 'v2,')))).toEqual(refused);
  expect(outcome({ ...STANDARD, scheme: 'standard-webhooks' as SignatureScheme })).toBe('accepted');
  expect(outcome({ ...STANDARD, secret: STANDARD.secret.replace('whsec_', '') })).toBe('accepted');
});

test('a signature of an older version of a scheme is not enough', () => {
  const sha1 = createHmac('sha1', GITHUB.secret).update(GITHUB.body).digest('hex');
  expect(outcome({ ...GITHUB, headers: { 'x-hub-signature': `sha1=${sha1}` } })).toEqual(refused);
  expect(outcome({ ...GITHUB, headers: { 'x-hub-signature-256': `sha1=${sha1}` } })).toEqual(refused);
  const v0 = { 'stripe-signature': `t=${STRIPE.at},v0=${stripeSignature(STRIPE.at)}` };
  expect(outcome({ ...STRIPE, headers: v0 })).toEqual(refused);
});
