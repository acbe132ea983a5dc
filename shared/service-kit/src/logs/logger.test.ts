import { describe, expect, test } from '@jest/globals';
import { createLogger } from './logger.ts';

/** The lines a logger writes, as objects, and as they are. */
function logged(level = 'debug') {
  const raw: string[] = [];
  const log = createLogger('installer', level, { write: (line: string) => raw.push(line) });
  return { log, raw, lines: () => raw.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('logger', () => {
  test('a line is JSON with time, level, name and message', () => {
    const { log, lines } = logged();
    log.info({ tenant: 'acme', pluginId: 'slack' }, 'installed');
    expect(lines()[0]).toMatchObject({
      level: 'info',
      name: 'installer',
      tenant: 'acme',
      pluginId: 'slack',
      msg: 'installed',
    });
    expect(new Date(lines()[0]?.time as string).getTime()).not.toBeNaN();
  });

  test('what is below the level is not written', () => {
    const { log, raw } = logged('warn');
    log.info('quiet');
    log.warn('loud');
    expect(raw).toHaveLength(1);
  });

  test.each<[string, object]>([
    ['authorization', { headers: { authorization: 'Bearer hush' } }],
    ['Authorization', { req: { headers: { Authorization: 'hush' } } }],
    ['cookie', { headers: { cookie: 'sid=hush', 'set-cookie': ['sid=hush'] } }],
    ['password', { a: { b: { c: { password: 'hush' } } } }],
    ['token', { registry: { token: 'hush', accessToken: 'hush', 'x-service-token': 'hush' } }],
    ['secret', { clientSecret: 'hush', secrets: { webhook: 'hush' } }],
    ['api key', { apiKey: 'hush', 'x-api-key': 'hush', api_key: 'hush' }],
    ['keys of ours', { signingKey: 'hush', privateKey: 'hush' }],
    ['config', { config: { webhookUrl: 'hush', deeper: { x: 'hush' } } }],
    ['items of a list', { plugins: [{ password: 'hush' }] }],
    ['parameters of SQL', { err: Object.assign(new Error('failed'), { query: 'INSERT', parameters: ['hush'] }) }],
    ['password in a URL', { url: 'amqp://guest:hush@127.0.0.1:5672/x' }],
    ['URL object', { url: new URL('postgres://u:hush@db/x') }],
    ['error message', { err: new Error('cannot reach postgres://u:hush@db/x') }],
    ['cause', { err: new Error('outer', { cause: new Error('postgres://u:hush@db/x') }) }],
    ['a token in a text', { reason: 'got eyJhbGciOi.hush.sig and Bearer hush' }],
    ['bytes', { body: Buffer.from('hush') }],
  ])('%s is hidden', (_what, value) => {
    const { log, raw } = logged();
    log.info(value, 'line');
    expect(raw[0]).not.toContain('hush');
    expect(raw[0]).toContain('line');
  });

  test('messages and bindings are cleaned too', () => {
    const { log, raw } = logged();
    log.info('connecting to amqp://guest:hush@127.0.0.1');
    log.info('connecting to %s', 'amqp://guest:hush@127.0.0.1');
    log
      .child({ token: 'hush', child: { password: 'hush' } })
      .child({ password: 'hush' })
      .info('child');
    expect(raw).toHaveLength(3);
    expect(raw.join()).not.toContain('hush');
  });

  test('an error keeps its type, stack and code, given alone or as err', () => {
    const { log, lines } = logged();
    const error = Object.assign(new TypeError('broken'), { code: 'E_BROKEN' });
    log.error(error);
    log.error({ err: error }, 'it broke');
    for (const line of lines()) {
      expect(line.err).toMatchObject({ type: 'TypeError', message: 'broken', code: 'E_BROKEN' });
      expect((line.err as { stack: string }).stack).toContain('logger.test.ts');
    }
  });

  test('the token in the URL of a webhook is hidden, wherever it stands', () => {
    const { log, lines } = logged();
    log.warn({ path: '/api/plugins/jira/webhooks/issues/whk_aB3-_x', url: '/?token=whk_aB3-_x&a=1' }, 'refused');
    expect(lines()[0]).toMatchObject({
      path: '/api/plugins/jira/webhooks/issues/[redacted]',
      url: '/?token=[redacted]&a=1',
    });
  });

  test('what is harmless stays', () => {
    const { log, lines } = logged();
    const at = new Date('2025-01-01T00:00:00.000Z');
    log.info({ secretsSet: ['apiToken'], count: 3, nothing: null, big: 10n, at, key: 'risk' }, 'line');
    expect(lines()[0]).toMatchObject({
      secretsSet: ['apiToken'],
      count: 3,
      nothing: null,
      big: '10',
      at: '2025-01-01T00:00:00.000Z',
      key: 'risk',
    });
  });

  test('a circle does not hang a line', () => {
    const { log, lines } = logged();
    const circle: Record<string, unknown> = { name: 'a' };
    circle.self = circle;
    log.info(circle, 'line');
    expect(lines()[0]).toMatchObject({ self: '[circular]' });
  });
});
