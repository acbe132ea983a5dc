import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { secretBox, SecretUnreadableError } from './secret-box.ts';

const place = { tenant: 'acme', pluginId: 'slack', field: 'webhookUrl' };
const first = { kid: 'k1', key: randomBytes(32) };
const second = { kid: 'k2', key: randomBytes(32) };

describe('secret box', () => {
  test.each(['https://hooks.example.com/hush', '', 'ü'.repeat(10_000)])('a sealed secret opens again', (value) => {
    const box = secretBox([first]);
    const sealed = box.seal(value, place);
    expect(box.open(sealed, place)).toBe(value);
    expect(secretBox([first]).open(sealed, place)).toBe(value);
  });

  test('sealed text says nothing of the value, and is different each time', () => {
    const box = secretBox([first]);
    const [one, two] = [box.seal('hush', place), box.seal('hush', place)];
    expect(one).not.toBe(two);
    expect(one).not.toContain('hush');
    expect(one).not.toContain(Buffer.from('hush').toString('base64url'));
  });

  test.each([
    ['tenant', { ...place, tenant: 'globex' }],
    ['plugin', { ...place, pluginId: 'jira' }],
    ['field', { ...place, field: 'token' }],
  ])('a secret of another %s does not open', (_what, elsewhere) => {
    const box = secretBox([first]);
    expect(() => box.open(box.seal('hush', place), elsewhere)).toThrow(SecretUnreadableError);
  });

  test('fields of one plugin share a data key, and still do not open for each other', () => {
    const box = secretBox([first]);
    const wrapped = (sealed: string) => sealed.split(':')[2];
    const [one, other] = [box.seal('a', place), box.seal('b', { ...place, field: 'token' })];
    expect(wrapped(one)).toBe(wrapped(other));
    expect(wrapped(box.seal('c', { ...place, tenant: 'globex' }))).not.toBe(wrapped(one));
    expect(() => box.open(other, place)).toThrow(SecretUnreadableError);
  });

  test('any changed byte is noticed', () => {
    const box = secretBox([first]);
    const [version, kid, wrapped = '', body = ''] = box.seal('hush', place).split(':');
    const flip = (text: string, at: number) => {
      const bytes = Buffer.from(text, 'base64url');
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      return bytes.toString('base64url');
    };
    for (let at = 0; at < Buffer.from(body, 'base64url').length; at++)
      expect(() => box.open([version, kid, wrapped, flip(body, at)].join(':'), place)).toThrow(SecretUnreadableError);
    for (let at = 0; at < Buffer.from(wrapped, 'base64url').length; at++)
      expect(() => box.open([version, kid, flip(wrapped, at), body].join(':'), place)).toThrow(SecretUnreadableError);
  });

  test('calling a secret by another kid does not open it', () => {
    const sameKey = { kid: 'k9', key: first.key };
    const sealed = secretBox([first]).seal('hush', place).replace('v1:k1:', 'v1:k9:');
    expect(() => secretBox([sameKey]).open(sealed, place)).toThrow(SecretUnreadableError);
  });

  test.each(['', 'hush', 'v1:k1', 'v2:k1:aa:bb', 'v1:k1:aa:bb:cc', 'v1:k1::', 'v1:k1:aaaa:bbbb'])(
    '%j is refused with a reason and without an accident',
    (text) => {
      expect(() => secretBox([first]).open(text, place)).toThrow(/The secret webhookUrl of slack cannot be opened: /);
    },
  );

  test('a key that is gone is named', () => {
    const sealed = secretBox([first]).seal('hush', place);
    expect(() => secretBox([second]).open(sealed, place)).toThrow('its key k1 is not in PLUGIN_SECRETS_KEY');
  });

  test('rotation: the new key seals, the old one still opens, and what is rewrapped needs only the new', () => {
    const old = secretBox([first]).seal('hush', place);
    const both = secretBox([second, first]);
    expect(both.open(old, place)).toBe('hush');
    expect(both.needsRewrap(old)).toBe(true);
    const renewed = both.rewrap(old, place);
    expect(both.needsRewrap(renewed)).toBe(false);
    expect(both.rewrap(renewed, place)).toBe(renewed);
    expect(secretBox([second]).open(renewed, place)).toBe('hush');
  });

  test('without a key there is no box', () => {
    expect(() => secretBox([])).toThrow('at least one key');
  });
});
