import { expect, test } from '@jest/globals';
import { assertPluginId, assertVersion } from './names.ts';

test('an id that cannot be one is named, with the rule for ids', () => {
  expect(() => assertPluginId('activity-feed')).not.toThrow();
  expect(() => assertPluginId('No Such')).toThrow(/"No Such".*joined by single hyphens/);
  expect(() => assertPluginId('stats')).toThrow(/"stats": the platform uses this word/);
  expect(() => assertPluginId('x'.repeat(500))).toThrow(/x…"/);
});

test.each([undefined, '1.2.3', '1.2', 'v1.0.0-rc.1'])('%s may be asked for', (version) => {
  expect(() => assertVersion(version)).not.toThrow();
});

test('what is no version is refused as malformed', () => {
  expect(() => assertVersion('banana')).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }));
});
