import { describe, expect, test } from '@jest/globals';
import { envelope, isTenant, readEnvelope } from './envelope.ts';

const parts = { type: 'risk.created', tenant: 'acme', payload: { risk: { id: 1 } }, source: 'demo-platform' };
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value), 'utf8');

describe('envelope', () => {
  test('what is not given is made: id, time, and a correlation that begins here', () => {
    const wrapped = envelope(parts);
    expect(wrapped.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(wrapped.correlationId).toBe(wrapped.id);
    expect(new Date(wrapped.time).toISOString()).toBe(wrapped.time);
    expect(wrapped).not.toHaveProperty('traceparent');
  });

  test('what is given is kept', () => {
    const time = new Date('2025-01-02T03:04:05.678Z');
    const wrapped = envelope({ ...parts, id: 'one', time, correlationId: 'two', traceparent: '00-ab-cd-01' });
    expect(wrapped).toEqual({
      ...parts,
      id: 'one',
      time: '2025-01-02T03:04:05.678Z',
      correlationId: 'two',
      traceparent: '00-ab-cd-01',
    });
  });

  test('an envelope is read back from its bytes, wherever they lie in a buffer', () => {
    const wrapped = envelope({ ...parts, payload: 'ü' });
    const bytes = bytesOf(wrapped);
    const shared = Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yy')]).subarray(2, 2 + bytes.length);
    expect(readEnvelope(shared)).toEqual(wrapped);
    expect(readEnvelope(new Uint8Array(bytes))).toEqual(wrapped);
  });

  test('an envelope without a tenant is one of the whole platform', () => {
    expect(readEnvelope(bytesOf(envelope({ ...parts, tenant: null })))?.tenant).toBeNull();
  });

  test.each([
    ['no JSON', Buffer.from('not json')],
    ['nothing', Buffer.alloc(0)],
    ['a number', bytesOf(7)],
    ['null', bytesOf(null)],
    ['a list', bytesOf([])],
    ['no payload', bytesOf({ ...envelope(parts), payload: undefined })],
    ['no tenant', bytesOf({ ...envelope(parts), tenant: undefined })],
    ['a tenant that would break a routing key', bytesOf({ ...envelope(parts), tenant: 'ac.me' })],
    ['a trace that is no text', bytesOf({ ...envelope(parts), traceparent: 1 })],
  ])('%s is no envelope', (_what, bytes) => {
    expect(readEnvelope(bytes)).toBeUndefined();
  });

  test.each(['acme', 'A', 'a-b_c', '0', 'x'.repeat(64)])('%s is a tenant', (tenant) => {
    expect(isTenant(tenant)).toBe(true);
  });

  test.each(['', 'a.b', 'a b', 'ä', 'a/b', 'a\n', '*', '#', 'x'.repeat(65), 7, null, undefined])(
    '%j is no tenant',
    (tenant) => {
      expect(isTenant(tenant)).toBe(false);
    },
  );
});
