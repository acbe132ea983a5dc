import { expect, test } from '@jest/globals';
import { eventNames } from '@verifywise/plugin-types';
import { makeEvent } from './event.ts';
import { payloadFields } from './payload-fields.ts';

const options = { source: 'test-host', checked: true };
const triggeredBy = { userId: 7, email: 'ada@acme.example' };
const riskCreated = { tenant: 'acme', triggeredBy, riskId: 1, projectId: 2, risk: { id: 1, title: 'Bias' } };

test('an event carries its id, tenant, time and source in its payload', () => {
  const event = makeEvent('risk:created', riskCreated, options);
  expect(JSON.parse(event.payload)).toEqual({
    ...riskCreated,
    eventId: event.eventId,
    timestamp: event.emittedAt.toISOString(),
    source: 'test-host',
  });
  expect(event).toMatchObject({ event: 'risk:created', tenant: 'acme' });
});

test('an id and a time that the host gives are kept', () => {
  const eventId = '3f2b8a52-6a3f-4c27-9f2e-0d7a1b5f6c01';
  const timestamp = new Date('2026-03-01T10:00:00Z');
  expect(makeEvent('risk:created', { ...riskCreated, eventId, timestamp }, options)).toMatchObject({
    eventId,
    emittedAt: timestamp,
  });
});

test('every missing or wrong field of a platform event is named at once', () => {
  const { risk: _risk, ...rest } = riskCreated;
  const emit = () => makeEvent('risk:updated', { ...rest, riskId: '1', triggeredBy: {} }, options);
  expect(emit).toThrow(/riskId must be number.*risk is missing.*changes is missing.*triggeredBy\.userId/);
});

test('in production fields are not checked', () => {
  expect(() => makeEvent('risk:created', { tenant: 'acme' }, { ...options, checked: false })).not.toThrow();
});

test('optional fields may be absent but not wrong', () => {
  const task = { tenant: 'acme', triggeredBy, taskId: 1, task: { id: 1 } };
  expect(() => makeEvent('task:created', task, options)).not.toThrow();
  expect(() => makeEvent('task:created', { ...task, projectId: 'two' }, options)).toThrow(/projectId must be number/);
});

test.each([
  ['a tenant that is none', 'risk:created', { ...riskCreated, tenant: 'acme/../globex' }],
  ['a name without an action', 'risk', riskCreated],
  ['a name with a dot, which would be another routing key', 'risk.created:x', riskCreated],
  ['a slip of the pen in a platform event', 'risk:creatd', riskCreated],
  ['an id that is no UUID', 'risk:created', { ...riskCreated, eventId: '1' }],
  ['a time that is none', 'risk:created', { ...riskCreated, timestamp: new Date('never') }],
  ['what JSON cannot carry', 'host:thing', { tenant: 'acme', amount: 1n }],
  ['more than a message can carry', 'host:thing', { tenant: 'acme', text: 'x'.repeat(5_000_000) }],
])('%s is refused', (_what, event, payload) => {
  expect(() => makeEvent(event, payload, options)).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }));
});

test("a host's own events and plugins' events carry what they like", () => {
  expect(() => makeEvent('notification:send', { tenant: 'acme', to: 'ops' }, options)).not.toThrow();
  expect(() => makeEvent('plugin:my-plugin:synced', { tenant: 'acme' }, options)).not.toThrow();
});

test('the fields of every event of the platform are known', () => {
  expect(Object.keys(payloadFields).sort()).toEqual([...eventNames].sort());
});
