import { expect, test } from '@jest/globals';
import { envelope } from '@verifywise/contracts';
import { subjectOf } from './event-subject.ts';

const event = (payload: unknown, type = 'risk.updated') => ({
  envelope: envelope({ id: 'e-1', type, tenant: 'acme', payload, source: 'test' }),
  retry: undefined,
});
const orderedBy = { 'risk:updated': 'riskId', 'risk:created': 'riskId' };

test('events with the same value of the field are about the same, whatever they are called', () => {
  const subject = subjectOf(event({ riskId: 7 }), orderedBy);
  expect(subject).toBeDefined();
  expect(subjectOf(event({ riskId: 7 }, 'risk.created'), orderedBy)).toBe(subject);
  expect(subjectOf(event({ riskId: 8 }), orderedBy)).not.toBe(subject);
  expect(subjectOf(event({ riskId: '7' }), orderedBy)).not.toBe(subject);
});

test.each([
  ['of another name', event({ riskId: 7 }, 'task.created')],
  ['without the field', event({ projectId: 7 })],
  ['with something else in it', event({ riskId: { id: 7 } })],
  ['that has no payload', event(null)],
  ['called like what every object has', event({ riskId: 7 }, '__proto__')],
])('an event %s is handled alone', (_what, alone) => {
  expect(subjectOf(alone, orderedBy)).toBeUndefined();
});

test('an event at which a process has ended is handled alone the next time', () => {
  const failed = [{ handler: -1, message: 'ended', crashed: true as const }];
  const retry = { attempts: 1, version: '1.0.0', failed, dueAt: 0 };
  expect(subjectOf({ ...event({ riskId: 7 }), retry }, orderedBy)).toBeUndefined();
});
