import { expect, test } from '@jest/globals';
import { readEnvelope } from '@verifywise/contracts';
import { jsonBytes, MAX_MESSAGE_BYTES, messageBytes } from './message-bytes.ts';

test('a message is written so that its receiver reads the same envelope', () => {
  const time = new Date('2026-01-02T03:04:05.000Z');
  const { id, bytes, properties } = messageBytes('risk.created', 'host', { tenant: 'acme', payload: { n: 1 }, time });
  expect(readEnvelope(bytes)).toEqual({
    id,
    type: 'risk.created',
    tenant: 'acme',
    time: time.toISOString(),
    correlationId: id,
    source: 'host',
    payload: { n: 1 },
  });
  expect(properties).toMatchObject({ messageId: id, type: 'risk.created', appId: 'host', timestamp: 1767323045 });
});

test('a missing payload is null, so that the message still is one', () => {
  const { bytes } = messageBytes('risk.created', 'host', { tenant: null, payload: undefined });
  expect(readEnvelope(bytes)?.payload).toBeNull();
});

test('a tenant that would break a routing key is refused', () => {
  expect(() => messageBytes('risk.created', 'host', { tenant: 'a.b', payload: {} })).toThrow(
    'risk.created: "a.b" is not a tenant id',
  );
});

test('what is too large or no JSON is refused with what it is', () => {
  const large = 'x'.repeat(MAX_MESSAGE_BYTES);
  expect(() => jsonBytes('an essay', large)).toThrow(
    `an essay has ${MAX_MESSAGE_BYTES + 2} bytes, but a message may have ${MAX_MESSAGE_BYTES}`,
  );
  expect(() => jsonBytes('a number', 1n)).toThrow('a number cannot be written as JSON');
});
