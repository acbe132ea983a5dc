import { expect, test } from '@jest/globals';
import type { EventPayload } from '@verifywise/plugin-types';
import { activityOf } from './activity.ts';

const riskCreated = { name: 'risk:created', entityType: 'risk', action: 'created', field: 'risk' };

function payload(fields: Partial<EventPayload>): EventPayload {
  const timestamp = new Date('2025-12-08T10:30:00Z');
  return { eventId: 'e1', tenant: 'acme', timestamp, source: 'platform', ...fields };
}

test('an event becomes a line that says who did what, to what, and when', () => {
  const triggeredBy = { userId: 7, name: 'Ada', email: 'ada@example.com' };
  expect(activityOf(riskCreated, payload({ triggeredBy, risk: { id: 3, risk_name: 'Data breach' } }))).toEqual({
    id: 'e1',
    action: 'created',
    entityType: 'risk',
    entityName: 'Data breach',
    user: { name: 'Ada' },
    timestamp: '2025-12-08T10:30:00.000Z',
  });
});

test.each([
  [{ id: 3, name: 'By name', title: 'x' }, 'By name'],
  [{ id: 3, title: 'By title' }, 'By title'],
  [{ id: 3, risk_title: 'By own title' }, 'By own title'],
  [{ id: 3, title: '' }, 'risk 3'],
  [{ id: 3, title: 7 }, 'risk 3'],
  [undefined, 'risk'],
  [{ id: 3, title: 'x'.repeat(500) }, 'x'.repeat(200)],
  [{ id: 3, title: `${'x'.repeat(199)}👍` }, `${'x'.repeat(199)}\ufffd`],
])('the name of %j is found', (risk, expected) => {
  expect(activityOf(riskCreated, payload({ risk })).entityName).toBe(expected);
});

test.each([
  [{ userId: 7, email: 'ada@example.com' }, 'ada@example.com'],
  [{ userId: 7 }, 'User 7'],
  [undefined, 'VerifyWise'],
])('%j is shown as %s', (triggeredBy, expected) => {
  const fields = triggeredBy === undefined ? {} : { triggeredBy };
  expect(activityOf(riskCreated, payload(fields)).user.name).toBe(expected);
});
