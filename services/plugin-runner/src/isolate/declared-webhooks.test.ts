import { describe, expect, test } from '@jest/globals';
import { declaredWebhooks } from './declared-webhooks.ts';

const handler = () => undefined;
const declared = (webhook: object) => declaredWebhooks({ push: { handler, ...webhook } })[0];

describe('what a webhook declares', () => {
  test('is POST and nothing else unless it says more', () => {
    expect(declared({})).toEqual({ name: 'push', methods: ['POST'] });
    expect(declared({ method: 'put', overflow: 'reject' })).toEqual({ name: 'push', methods: ['PUT'] });
  });

  test('with GET is HEAD too', () => {
    expect(declared({ method: ['GET', 'POST'] })).toMatchObject({ methods: ['GET', 'HEAD', 'POST'] });
    expect(declared({ method: ['HEAD', 'GET'] })).toMatchObject({ methods: ['HEAD', 'GET'] });
  });

  test('tells the gateway what to verify, how much to take, and what to do with too many', () => {
    const verify = { scheme: 'standard-webhooks', secretConfigKey: ['secret', 'previousSecret'] };
    expect(declared({ verify, bodyLimit: 26_214_400, overflow: 'queue' })).toEqual({
      name: 'push',
      methods: ['POST'],
      verify: { scheme: 'standard', secretKeys: ['secret', 'previousSecret'] },
      bodyLimit: 26_214_400,
      overflow: 'queue',
    });
  });

  test.each([
    [{ verify: { scheme: 'gitlab', secretConfigKey: 'secret' } }, 'which is no scheme'],
    [{ verify: { scheme: 'github' } }, 'names no setting'],
    [{ verify: { scheme: 'github', secretConfigKey: [] } }, 'names no setting'],
    [{ verify: { scheme: 'github', secretConfigKey: '' } }, 'names no setting'],
    [{ bodyLimit: 26_214_401 }, '1 to 26214400 bytes'],
    [{ bodyLimit: '1mb' }, '1 to 26214400 bytes'],
  ])('%j is a mistake that is told', (webhook, message) => {
    expect(() => declared(webhook)).toThrow(message);
  });
});
