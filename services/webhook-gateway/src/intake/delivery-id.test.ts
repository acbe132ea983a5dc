import { describe, expect, test } from '@jest/globals';
import { deliveryIdIn } from './delivery-id.ts';

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('a delivery is named', () => {
  test('by a header, the first that is there', () => {
    expect(deliveryIdIn({ 'x-github-delivery': 'abc' }, null)).toBe('x-github-delivery:abc');
    expect(deliveryIdIn({ 'webhook-id': 'msg_1', 'idempotency-key': 'other' }, null)).toBe('webhook-id:msg_1');
    expect(deliveryIdIn({ 'idempotency-key': '' }, null)).toBeNull();
    expect(deliveryIdIn({ 'webhook-id': 'x'.repeat(256) }, null)).toBeNull();
  });

  test('by the event of Stripe and of Slack, which have no header for it', () => {
    const [stripe, slack] = [{ 'stripe-signature': 't=1,v1=x' }, { 'x-slack-signature': 'v0=x' }];
    expect(deliveryIdIn(stripe, json({ id: 'evt_1NG8Du2eZvKYlo2C' }))).toBe('stripe-signature:evt_1NG8Du2eZvKYlo2C');
    expect(deliveryIdIn(slack, json({ event_id: 'Ev08MFMKH6' }))).toBe('x-slack-signature:Ev08MFMKH6');
    for (const body of [json({ id: 'cus_1' }), json([]), json(null), Buffer.from('{'), Buffer.alloc(0), null])
      expect(deliveryIdIn(stripe, body)).toBeNull();
    expect(deliveryIdIn(slack, json({ event_id: 7 }))).toBeNull();
  });

  test('by nothing in the body of a sender that we do not know', () => {
    expect(deliveryIdIn({}, json({ id: 'evt_1', event_id: 'Ev1' }))).toBeNull();
  });
});
