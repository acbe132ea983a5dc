import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { exportJWK, jwtVerify, SignJWT } from 'jose';
import { otherServer } from '../testing/serving.ts';
import { remoteKeys } from './remote-keys.ts';

const MINUTE_MS = 60_000;
const first = generateKeyPairSync('ed25519');
const second = generateKeyPairSync('ed25519');

/** A platform whose keys change, and the clock by which they grow old. */
describe('keys of a platform', () => {
  const platform = { asked: 0, up: true, keys: [] as object[], url: '', close: () => Promise.resolve() };

  beforeEach(async () => {
    const server = await otherServer((_req, res) => {
      platform.asked++;
      res.writeHead(platform.up ? 200 : 503).end(JSON.stringify({ keys: platform.keys }));
    });
    Object.assign(platform, server, { asked: 0, up: true, keys: [await jwk(first.publicKey, 'one')] });
    jest.useFakeTimers({
      doNotFake: [
        'setTimeout',
        'clearTimeout',
        'setImmediate',
        'nextTick',
        'queueMicrotask',
        'setInterval',
        'clearInterval',
        'clearImmediate',
        'Date',
      ],
    });
  });
  afterEach(async () => {
    jest.useRealTimers();
    await platform.close();
  });

  async function jwk(key: KeyObject, kid: string) {
    return { ...(await exportJWK(key)), kid, alg: 'EdDSA' };
  }
  const signed = (key: KeyObject, kid: string) => new SignJWT({}).setProtectedHeader({ alg: 'EdDSA', kid }).sign(key);

  test('a new key is found as soon as asking again is allowed', async () => {
    const keys = remoteKeys(platform.url);
    await jwtVerify(await signed(first.privateKey, 'one'), keys);
    platform.keys = [await jwk(second.publicKey, 'two')];
    await expect(jwtVerify(await signed(second.privateKey, 'two'), keys)).rejects.toThrow('no applicable key');
    jest.advanceTimersByTime(11_000);
    await jwtVerify(await signed(second.privateKey, 'two'), keys);
    expect(platform.asked).toBe(2);
    await expect(jwtVerify(await signed(first.privateKey, 'one'), keys)).rejects.toThrow('no applicable key');
  });

  test('keys that are old still serve while the platform is down, but not for ever', async () => {
    const keys = remoteKeys(platform.url);
    const token = await signed(first.privateKey, 'one');
    await jwtVerify(token, keys);
    platform.up = false;
    jest.advanceTimersByTime(30 * MINUTE_MS);
    await jwtVerify(token, keys);
    jest.advanceTimersByTime(31 * MINUTE_MS);
    await expect(jwtVerify(token, keys)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    platform.up = true;
    jest.advanceTimersByTime(2_000);
    await jwtVerify(token, keys);
  });
});
