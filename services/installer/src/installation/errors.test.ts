import { expect, test } from '@jest/globals';
import { AlreadyInstalledError, NothingToUpdateError } from './errors.ts';
import type { InstalledRecord } from './installed-plugin.ts';

const fresh = { pluginId: 'feed', version: '1.1.0', previous: null };
const updated = { ...fresh, previous: { version: '1.0.0' } as InstalledRecord['previous'] };

test('what is installed already says how to get another version', () => {
  expect(new AlreadyInstalledError(fresh, undefined).message).toBe(
    'Plugin feed 1.1.0 is installed already; POST /api/plugins/feed/update takes another version',
  );
  expect(new AlreadyInstalledError(updated, '2.0.0').message).toBe(
    'Plugin feed 1.1.0 is installed already, and 2.0.0 was asked for; ' +
      'POST /api/plugins/feed/update takes another version, POST /api/plugins/feed/rollback goes back to 1.0.0',
  );
});

test('an update to what is no newer says how to go back, as far as that is possible', () => {
  const message = (record: typeof updated, version: string, input = {}) =>
    new NothingToUpdateError(record, { version, older: version !== '1.1.0', input }).message;
  expect(message(fresh, '1.1.0')).toBe('Plugin feed is at 1.1.0 already, the newest version there is');
  expect(message(fresh, '1.1.0', { version: '1.1.0' })).toBe('Plugin feed is at 1.1.0 already');
  expect(message(updated, '1.0.0', { version: '1.0.0' })).toBe(
    'Plugin feed is at 1.1.0, and 1.0.0 is older; ' +
      'POST /api/plugins/feed/rollback goes back to 1.0.0, force: true takes 1.0.0 all the same',
  );
  expect(message(fresh, '1.0.0', { uploaded: 'sha256:0' })).toContain('uninstall 1.1.0 first');
});
