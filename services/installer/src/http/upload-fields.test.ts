import { expect, test } from '@jest/globals';
import { UploadFields } from './upload-fields.ts';

function filledIn(...fields: [name: string, value: string][]): UploadFields {
  const form = new UploadFields(1_000);
  form.addFile('plugin');
  for (const [name, value] of fields) form.add(name, value, { truncated: false });
  return form;
}

test('what stands beside the zip is read, and what was not filled in is as if it were not there', () => {
  const form = filledIn(
    ['withDependencies', 'true'],
    ['checksum', ''],
    ['config', '{"region":"eu"}'],
    ['acceptedPermissions', 'http:outbound, '],
    ['acceptedPermissions', 'config:read'],
  );
  expect(form.all()).toEqual({
    ...{ withDependencies: true, config: { region: 'eu' } },
    acceptedPermissions: ['http:outbound', 'config:read'],
  });
  expect(filledIn(['withDependencies', 'false']).all()).toEqual({ withDependencies: false });
  expect(filledIn(['config', ''], ['withDependencies', '']).all()).toEqual({});
});

test.each([
  ['a field that is not known', ['force', 'true'], 'An upload has plugin, checksum, config, withDependencies'],
  ['a field of every object', ['constructor', 'x'], 'constructor is not known here'],
  ['the file as a text', ['plugin', 'x'], 'plugin is not known here'],
  ['neither true nor false', ['withDependencies', 'yes'], 'must be true or false'],
  ['settings that are no object', ['config', '[1]'], 'no JSON object'],
] as const)('%s is refused', (_what, [name, value], message) => {
  expect(() => filledIn([name, value])).toThrow(message);
});

test('twice the same is refused, also the file, and so is a file under another name', () => {
  expect(() => filledIn(['checksum', 'a'], ['checksum', 'b'])).toThrow('checksum is there twice');
  expect(() => filledIn().addFile('plugin')).toThrow('Upload one package at a time');
  expect(() => filledIn().addFile('icon')).toThrow('icon is not known here');
});

test('a field that is too long says how long it may be', () => {
  expect(() => filledIn().add('config', '{', { truncated: true })).toThrow('config has more than 1000 bytes');
});
