import { expect, test } from '@jest/globals';
import { isPluginId, reservedPluginIds } from './plugin-id.ts';

test.each(['a', 'jira', 'jira-integration', 'iso-27001', 'a1-b2', 'a'.repeat(50)])('%s may be an id', (id) => {
  expect(isPluginId(id)).toBe(true);
});

test.each([
  '',
  'A',
  '1a',
  'a_b',
  'a--b',
  '-a',
  'a-',
  'a b',
  'a.b',
  '../a',
  'ä',
  'a\n',
  'a'.repeat(51),
  7,
  null,
  undefined,
  {},
])('%p may not be an id', (id) => {
  expect(isPluginId(id)).toBe(false);
});

test('names the platform uses itself may not be ids', () => {
  expect(reservedPluginIds.some(isPluginId)).toBe(false);
});
