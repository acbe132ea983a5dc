import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import { PlatformError } from '@verifywise/contracts';
import { Agent, request } from 'undici';
import { codeOf, isError, messageOf } from '../errors/thrown.ts';

export interface FetchOptions {
  /** For everything: name, connection, headers and the whole body. */
  deadlineMs: number;
  /** Of the body; more of it is never held. */
  maxBytes: number;
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  body?: string | Uint8Array | Readable;
  signal?: AbortSignal;
  /** Sees the address that is really connected to, and throws to refuse it; so a name cannot point elsewhere than it was checked for. */
  checkAddress?: (address: string, host: string) => void;
  /** How names become addresses under a check; the system's way unless given. */
  lookup?: typeof dnsLookup;
}

/** The headers are there; the body is read once, by one of these. Redirects are answers like others: whoever follows them checks them. */
export interface FetchedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  bytes(): Promise<Buffer>;
  text(): Promise<string>;
  json(): Promise<unknown>;
  /** Stops, with the connection closed, when the reader stops. */
  stream(): AsyncGenerator<Buffer, void, undefined>;
  /** Lets the body go unread. */
  discard(): void;
}

/** Nothing, or not everything, came before the deadline. */
export class FetchTimedOutError extends PlatformError {
  constructor(host: string, deadlineMs: number, cause: unknown) {
    super('TIMED_OUT', `${host} did not answer within ${deadlineMs} ms`, { cause });
  }
}

/** The other side could not be reached, or broke off. */
export class FetchFailedError extends PlatformError {
  constructor(host: string, why: string, cause?: unknown) {
    super('UPSTREAM_FAILED', `${host} could not be fetched from: ${why}`, { cause });
  }
}

/** The body is larger than was agreed to. */
export class ResponseTooLargeError extends PlatformError {
  constructor(host: string, maxBytes: number) {
    super('UPSTREAM_FAILED', `The answer of ${host} is larger than ${maxBytes} bytes`, { details: { maxBytes } });
  }
}

/** Makes one HTTP request with an end in time and size. Its errors name the host, never the path or a header. */
export async function fetchWithin(address: string, options: FetchOptions): Promise<FetchedResponse> {
  const { deadlineMs, maxBytes, method = 'GET', headers = {}, body = null, checkAddress } = options;
  const target = URL.parse(address);
  if (target === null || !['http:', 'https:'].includes(target.protocol))
    throw new FetchFailedError('The address', 'it is not an http or https URL');
  const host = target.host;
  if (checkAddress !== undefined) checkLiteral(target.hostname, checkAddress);

  const deadline = AbortSignal.timeout(deadlineMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  // Connections made under a check are not shared with requests that had none.
  const agent = checkAddress === undefined ? undefined : checkingAgent(checkAddress, options.lookup ?? dnsLookup);
  const release = () => void agent?.destroy().catch(() => undefined);
  const errorFor = (error: unknown) => {
    if (deadline.aborted) return new FetchTimedOutError(host, deadlineMs, error);
    if (options.signal?.aborted === true) return new FetchFailedError(host, 'it was called off', error);
    return error instanceof PlatformError ? error : new FetchFailedError(host, reasonOf(error), error);
  };

  try {
    const dispatcher = agent === undefined ? {} : { dispatcher: agent };
    const response = await request(target, { method, headers, body, signal, ...dispatcher });
    if (Number(response.headers['content-length'] ?? 0) > maxBytes && method !== 'HEAD') {
      response.body.on('error', () => undefined).destroy();
      throw new ResponseTooLargeError(host, maxBytes);
    }
    return fetched(
      response.statusCode,
      response.headers,
      limited(response.body, { host, maxBytes, errorFor, release }),
      () => {
        response.body.on('error', () => undefined).destroy();
        release();
      },
    );
  } catch (error) {
    release();
    throw errorFor(error);
  }
}

interface Limits {
  host: string;
  maxBytes: number;
  errorFor: (error: unknown) => Error;
  release: () => void;
}

async function* limited(body: AsyncIterable<Buffer>, limits: Limits): AsyncGenerator<Buffer, void, undefined> {
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > limits.maxBytes) throw new ResponseTooLargeError(limits.host, limits.maxBytes);
      yield chunk;
    }
  } catch (error) {
    throw limits.errorFor(error);
  } finally {
    limits.release();
  }
}

function fetched(
  status: number,
  headers: FetchedResponse['headers'],
  chunks: AsyncGenerator<Buffer, void, undefined>,
  discard: () => void,
): FetchedResponse {
  const bytes = async () => {
    const parts: Buffer[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    return Buffer.concat(parts);
  };
  const text = async () => (await bytes()).toString('utf8');
  return {
    status,
    headers,
    bytes,
    text,
    json: async () => JSON.parse(await text()) as unknown,
    stream: () => chunks,
    discard,
  };
}

type Check = (address: string, host: string) => void;

/** A host that is an address already is never looked up, so it is checked here. */
function checkLiteral(hostname: string, check: Check): void {
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0) check(literal, literal);
}

function checkingAgent(check: Check, resolve: typeof dnsLookup): Agent {
  return new Agent({
    connect: {
      lookup(hostname: string, options: LookupOptions, done) {
        resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
          const refused = error ?? refusalOf(hostname, addresses, check);
          const first = addresses[0];
          if (refused !== undefined) done(refused, []);
          else if (options.all === true || first === undefined) done(null, addresses);
          else done(null, first.address, first.family);
        });
      },
    },
  });
}

/** One refused address among several is enough: which of them is connected to is not ours to choose. */
function refusalOf(hostname: string, addresses: LookupAddress[], check: Check): Error | undefined {
  try {
    for (const { address } of addresses) check(address, hostname);
    return undefined;
  } catch (error) {
    return isError(error) ? error : new Error(String(error));
  }
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name is not known';
  return code ?? messageOf(error);
}
