import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import compression from 'compression';
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import { eventually } from '../../../../test/support/eventually.ts';
import { expressVersions, rawGet } from '../testing/express-app.ts';
import {
  hostWith,
  type After,
  type HostOptions,
  type MiddlewareHost,
  type Plugins,
} from '../testing/middleware-host.ts';

const hosts: MiddlewareHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((made) => made.close()));
});

type Given = [plugins: Plugins, routes: (app: Express) => void, options?: HostOptions];

const ask = (url: string, init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {}) =>
  fetch(url, { ...init, headers: { 'x-tenant': 'acme', ...init.headers } });

const answersErrors: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) next(error);
  else res.status(500).json({ n: 0 });
};

/** A plugin that changes the body of an answer. */
const changesBody = (change: (body: { n: number }) => unknown): Plugins => ({
  after: ({ response }) => ({ response: { ...response, body: change(response.body as { n: number }) } }),
});

describe.each(expressVersions)('on Express $version', ({ express }) => {
  async function host(...given: Given): Promise<MiddlewareHost> {
    const made = await hostWith(express, ...given);
    hosts.push(made);
    return made;
  }

  test.each<[string, RequestHandler, string]>([
    ['res.json', (_req, res) => void res.json({ n: 1 }), '{"n":1}'],
    ['res.send of an object', (_req, res) => void res.send({ n: 1 }), '{"n":1}'],
    ['res.send of a text', (_req, res) => void res.type('json').send('{"n":1}'), '{"n":1}'],
    ['res.end of a text', (_req, res) => void res.type('json').end('{"n":1}'), '{"n":1}'],
    ['res.end of bytes', (_req, res) => void res.type('json').end(Buffer.from('{"n":1}')), '{"n":1}'],
    ['res.end of another encoding', (_req, res) => void res.type('json').end('eyJuIjoxfQ==', 'base64'), '{"n":1}'],
    [
      'res.writeHead and res.end',
      (_req, res) => void res.writeHead(200, { 'Content-Type': 'application/problem+json' }).end('{"n":1}'),
      '{"n":1}',
    ],
    [
      'res.writeHead with a list and res.end',
      (_req, res) => void res.writeHead(200, 'Fine', ['Content-Type', 'application/json', 'X-A', '1']).end('{"n":1}'),
      '{"n":1}',
    ],
    ['res.status and res.json', (_req, res) => void res.status(201).json({ n: 1 }), '{"n":1}'],
  ])('the JSON of %s can be changed', async (_how, route, original) => {
    const { url, asked } = await host(
      changesBody(({ n }) => ({ n: n + 1 })),
      (app) => void app.get('/api/x', route),
    );
    const answer = await ask(`${url}/api/x`);
    expect(await answer.text()).toBe('{"n":2}');
    expect(answer.headers.get('content-length')).toBe('7');
    expect((asked[0] as After).response.body).toEqual(JSON.parse(original));
  });

  test('what plugins leave alone leaves byte for byte, with its length and tag', async () => {
    const route: RequestHandler = (_req, res) => void res.type('json').send('{ "n" :  1.0 }');
    const { url } = await host({ after: () => ({}) }, (app) => void app.get('/api/x', route));
    const { url: bare } = await host({}, (app) => void app.get('/api/x', route));
    const [taken, plain] = [await ask(`${url}/api/x`), await ask(`${bare}/api/x`)];
    expect(await taken.text()).toBe('{ "n" :  1.0 }');
    for (const name of ['etag', 'content-length', 'content-type']) {
      expect([name, taken.headers.get(name)]).toEqual([name, plain.headers.get(name)]);
    }
  });

  test("a reader's tag is compared with what plugins have made of the answer", async () => {
    const { url } = await host(
      changesBody(() => ({ n: 2 })),
      (app) => void app.get('/api/x', (_q, res) => void res.json({ n: 1 })),
    );
    const bare = await host({}, (app) => void app.get('/api/x', (_q, res) => void res.json({ n: 1 })));
    const tagOf = async (address: string) => (await rawGet(`${address}/api/x`)).headers.etag ?? '';
    const again = async (tag: string) => {
      const { status, bytes } = await rawGet(`${url}/api/x`, { 'if-none-match': tag });
      return [status, bytes.toString()];
    };
    expect(await again(await tagOf(url))).toEqual([304, '']);
    // What the route alone would call known is another text by now.
    expect(await again(await tagOf(bare.url))).toEqual([200, '{"n":2}']);
  });

  test("a tag of the route's own stays, because it is the version that a later write names", async () => {
    const { url } = await host(
      changesBody(() => ({ n: 2 })),
      (app) => {
        app.get('/api/x', (_req, res) => void res.set('etag', '"v7"').json({ n: 1 }));
      },
    );
    const { status, headers, bytes } = await rawGet(`${url}/api/x`, { 'if-none-match': '"v7"' });
    expect([status, headers.etag, bytes.toString()]).toEqual([200, '"v7"', '{"n":2}']);
  });

  test('a streamed answer passes part by part, and plugins are told when it is through', async () => {
    const rest = Promise.withResolvers<undefined>();
    const { url, asked } = await host(
      changesBody(() => ({ n: 2 })),
      (app) => {
        app.get('/api/x', (_req, res) => {
          res.type('json').write('[1,');
          void rest.promise.then(() => res.end('2]'));
        });
      },
    );
    const answer = await ask(`${url}/api/x`);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe('[1,');
    expect(asked).toEqual([]);
    rest.resolve(undefined);
    expect((await reader?.read())?.value).toBe('2]');
    expect((await reader?.read())?.done).toBe(true);
    await eventually(() => expect(asked).toMatchObject([{ phase: 'after', response: { status: 200 } }]));
    expect((asked[0] as After).response).not.toHaveProperty('body');
  });

  test('an event stream opens before it has anything to say', async () => {
    const { url } = await host(
      changesBody(() => ({ n: 2 })),
      (app) => {
        app.get('/api/x', (_req, res) => {
          res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
        });
      },
    );
    const leaving = new AbortController();
    const answer = await ask(`${url}/api/x`, { signal: leaving.signal });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    leaving.abort();
  });

  test.each<[string, RequestHandler]>([
    ['bytes', (_req, res) => void res.type('application/octet-stream').send(Buffer.from([0, 255, 128, 10]))],
    ['a text', (_req, res) => void res.type('text').send('{"n":1}')],
    ['what is called JSON and is none', (_req, res) => void res.type('json').send('{"n":')],
    [
      'JSON in another charset',
      (_req, res) => void res.set('content-type', 'application/json; charset=utf-16').end('{}'),
    ],
    ['JSON that is compressed already', (_req, res) => void res.type('json').set('content-encoding', 'br').end('{}')],
    ['a part', (_req, res) => void res.status(206).type('json').end('{}')],
    ['JSON above 5 MB', (_req, res) => void res.json({ text: 'x'.repeat(5 * 1024 * 1024) })],
    ['nothing', (_req, res) => void res.status(204).end()],
    [
      'a redirect',
      (_req, res) => {
        res.redirect('/elsewhere');
      },
    ],
  ])('plugins see no body of %s, and cannot change one', async (_what, route) => {
    const { url, asked } = await host(
      changesBody(() => ({ n: 2 })),
      (app) => void app.get('/api/x', route),
    );
    const bare = await host({}, (app) => void app.get('/api/x', route));
    const get = async (address: string) => {
      const { status, bytes } = await rawGet(`${address}/api/x`);
      return [status, bytes.toString('hex')];
    };
    expect(await get(url)).toEqual(await get(bare.url));
    expect(asked).toHaveLength(1);
    expect((asked[0] as After).response).not.toHaveProperty('body');
  });

  test('HEAD says nothing of a length or tag that a read would not have', async () => {
    const { url, asked } = await host(
      changesBody(() => ({ n: 12345 })),
      (app) => {
        app.get('/api/x', (_req, res) => void res.json({ n: 1 }));
      },
    );
    const answer = await ask(`${url}/api/x`, { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-length'), answer.headers.get('etag')]).toEqual([
      200,
      null,
      null,
    ]);
    expect((asked[0] as After).response).not.toHaveProperty('body');
  });

  test('an answer that is compressed on its way out is changed before it is', async () => {
    const { url } = await host(
      changesBody(() => ({ text: 'y'.repeat(5000) })),
      (app) => void app.get('/api/x', (_req, res) => void res.json({ n: 1 })),
      { wrap: [compression({ threshold: 0 })] },
    );
    const { headers, bytes } = await rawGet(`${url}/api/x`, { 'accept-encoding': 'gzip' });
    expect(headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(bytes).toString())).toEqual({ text: 'y'.repeat(5000) });
  });

  test('an answer that the route compresses itself passes as it is', async () => {
    const { url, asked } = await host(
      changesBody(() => ({ n: 2 })),
      (app) => {
        app.get('/api/x', compression({ threshold: 0 }), (_req, res) => void res.json({ n: 1 }));
      },
    );
    const { bytes } = await rawGet(`${url}/api/x`, { 'accept-encoding': 'gzip' });
    expect(gunzipSync(bytes).toString()).toBe('{"n":1}');
    expect((asked[0] as After).response).not.toHaveProperty('body');
  });

  test('an error of the route is an answer like every other; one after the answer has begun ends it', async () => {
    const { url } = await host(
      changesBody((body) => ({ ...body, seen: true })),
      (app) => {
        app.get('/api/throws', () => {
          throw new Error('lost');
        });
        app.get('/api/late', (_req, res) => {
          res.type('json').write('[');
          throw new Error('lost');
        });
        app.get('/api/twice', (_req, res) => {
          res.json({ n: 1 });
          res.status(500).json({ n: 2 });
        });
        app.use(answersErrors);
        app.set('env', 'test');
      },
    );
    const failed = await ask(`${url}/api/throws`);
    expect([failed.status, await failed.json()]).toEqual([500, { n: 0, seen: true }]);
    await expect(ask(`${url}/api/late`).then((answer) => answer.text())).rejects.toThrow();
    const twice = await ask(`${url}/api/twice`);
    expect([twice.status, await twice.json()]).toEqual([200, { n: 1, seen: true }]);
  });
});
