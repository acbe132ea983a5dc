import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { fetchWithin } from './fetch-within.ts';

const LONG_MS = 10_000;
const limits = { deadlineMs: LONG_MS, maxBytes: 1_000 };
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serving(handler: (req: IncomingMessage, res: ServerResponse) => void): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('fetch within', () => {
  test('gives status, headers and body', async () => {
    const address = await serving((req, res) => {
      res.writeHead(201, { 'x-seen': `${req.method ?? ''} ${req.url ?? ''} ${req.headers['x-me'] as string}` });
      req.pipe(res);
    });
    const response = await fetchWithin(`${address}/a?b=c`, {
      ...limits,
      method: 'POST',
      headers: { 'x-me': 'yes' },
      body: '{"hello":1}',
    });
    expect(response.status).toBe(201);
    expect(response.headers['x-seen']).toBe('POST /a?b=c yes');
    expect(await response.json()).toEqual({ hello: 1 });
  });

  test('an error status is an answer, and a redirect is not followed', async () => {
    const address = await serving((_req, res) => res.writeHead(302, { location: 'http://elsewhere.example' }).end());
    const response = await fetchWithin(address, limits);
    expect(response.status).toBe(302);
    expect(response.headers.location).toBe('http://elsewhere.example');
    response.discard();
  });

  test('a body that is declared too large is not begun', async () => {
    const address = await serving((_req, res) =>
      res.writeHead(200, { 'content-length': 5_000 }).end('x'.repeat(5_000)),
    );
    await expect(fetchWithin(address, limits)).rejects.toThrow('larger than 1000 bytes');
  });

  test('a body that turns out too large is cut', async () => {
    const address = await serving((_req, res) => {
      const more = () => {
        if (!res.destroyed) res.write('x'.repeat(600), () => setImmediate(more));
      };
      more();
    });
    const response = await fetchWithin(address, limits);
    await expect(response.bytes()).rejects.toMatchObject({ code: 'UPSTREAM_FAILED', details: { maxBytes: 1_000 } });
  });

  test('the deadline holds for headers', async () => {
    const address = await serving(() => undefined);
    await expect(fetchWithin(address, { ...limits, deadlineMs: 30 })).rejects.toMatchObject({ code: 'TIMED_OUT' });
  });

  test('the deadline holds for a body that never ends', async () => {
    const address = await serving((_req, res) => res.write('begin'));
    const response = await fetchWithin(address, { ...limits, deadlineMs: 300 });
    await expect(response.text()).rejects.toMatchObject({ code: 'TIMED_OUT' });
  });

  test('a caller can call it off', async () => {
    const off = new AbortController();
    const address = await serving(() => off.abort());
    await expect(fetchWithin(address, { ...limits, signal: off.signal })).rejects.toThrow('it was called off');
  });

  test('a connection that breaks in the middle is an error, not a short body', async () => {
    const address = await serving((_req, res) => {
      res.writeHead(200, { 'content-length': 100 });
      res.write('half', () => res.destroy());
    });
    const response = await fetchWithin(address, limits);
    await expect(response.text()).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' });
  });

  test('nobody there, no such name, no such scheme: a sentence without the path', async () => {
    const address = await serving((_req, res) => res.end());
    const server = servers.pop();
    await new Promise((resolve) => server?.close(resolve));
    await expect(fetchWithin(`${address}/hush`, limits)).rejects.toThrow(
      /^127\.0\.0\.1:\d+ could not be fetched from: nothing/,
    );
    await expect(fetchWithin('ftp://example.com', limits)).rejects.toThrow('not an http or https URL');
    await expect(fetchWithin('nonsense', limits)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' });
  });

  test('the address that is connected to can be refused, as a literal and behind a name', async () => {
    const address = await serving((_req, res) => res.end('reached'));
    const seen: string[] = [];
    const refusing = {
      ...limits,
      checkAddress: (ip: string, host: string) => {
        seen.push(`${host} is ${ip}`);
        throw new Error('not there');
      },
    };
    await expect(fetchWithin(address, refusing)).rejects.toThrow('not there');
    await expect(fetchWithin(address.replace('127.0.0.1', 'localhost'), refusing)).rejects.toThrow('not there');
    expect(seen).toContain('127.0.0.1 is 127.0.0.1');
    expect(seen.some((line) => line.startsWith('localhost is '))).toBe(true);
  });

  test('an address that is allowed is reached by its name', async () => {
    const address = await serving((_req, res) => res.end('reached'));
    const response = await fetchWithin(address.replace('127.0.0.1', 'localhost'), {
      ...limits,
      checkAddress: () => undefined,
    });
    expect(await response.text()).toBe('reached');
  });

  test('a body can be read piece by piece, and left in the middle', async () => {
    const address = await serving((_req, res) => {
      res.write('first');
    });
    const response = await fetchWithin(address, limits);
    for await (const chunk of response.stream()) {
      expect(chunk.toString()).toBe('first');
      break;
    }
  });
});
