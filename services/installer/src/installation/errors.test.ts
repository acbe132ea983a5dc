import { expect, test } from '@jest/globals';
import { AlreadyInstalledError, NothingToUpdateError, OnlyByUploadError } from './errors.ts';
import type { InstalledRecord } from './installed-plugin.ts';

const fresh = { pluginId: 'feed', version: '1.1.0', previous: null };
const updated = { ...fresh, previous: { version: '1.0.0' } as InstalledRecord['previous'] };

test('what is installed already says how to get another version', () => {
  expect(new AlreadyInstalledError(fresh, {}).message).toBe(
    'Plugin feed 1.1.0 is installed already; POST /api/plugins/feed/update takes another version',
  );
  expect(new AlreadyInstalledError(updated, { version: '2.0.0' }).message).toBe(
    'Plugin feed 1.1.0 is installed already, and 2.0.0 was asked for; ' +
      'POST /api/plugins/feed/update takes another version, POST /api/plugins/feed/rollback goes back to 1.0.0',
  );
});

test('what was uploaded is told how to be uploaded anew', () => {
  const { message } = new AlreadyInstalledError(fresh, { uploaded: 'sha256:0' });
  expect(message).toContain('give the new package a higher version in its manifest.json and upload it');
  expect(message).not.toContain('/update');
  expect(new OnlyByUploadError(fresh).message).toContain('no registry has it');
});

test('an update to what is no newer says how to go back, as far as that is possible', () => {
  const message = (record: typeof updated, version: string, input = {}) =>
    new NothingToUpdateError(record, { version, older: version !== '1.1.0', input }).message;
  expect(message(fresh, '1.1.0')).toBe('Plugin feed is at 1.1.0 already, the newest version there is');
  const heldBack = { version: '2.0.0', reason: 'Plugin requires VerifyWise 2.0.0 or higher; this is 1.7.0' };
  expect(new NothingToUpdateError(fresh, { version: '1.1.0', older: false, input: {}, heldBack }).message).toBe(
    'Plugin feed is at 1.1.0 already, the newest version that runs here; of 2.0.0: Plugin requires VerifyWise 2.0.0 or higher; this is 1.7.0',
  );
  expect(message(fresh, '1.1.0', { version: '1.1.0' })).toBe('Plugin feed is at 1.1.0 already');
  expect(message(updated, '1.0.0', { version: '1.0.0' })).toBe(
    'Plugin feed is at 1.1.0, and 1.0.0 is older; ' +
      'POST /api/plugins/feed/rollback goes back to 1.0.0, force: true takes 1.0.0 all the same',
  );
  expect(message(fresh, '1.0.0', { uploaded: 'sha256:0' })).toContain('uninstall 1.1.0 first');
});
