import type { ServerResponse } from 'node:http';
import { isUtf8 } from 'node:buffer';
import { MIDDLEWARE_BODY_LIMIT_BYTES, PlatformError } from '@verifywise/contracts';
import type { HostResponse } from '@verifywise/contracts';
import { textOf } from './exchange-state.ts';
import type { JsonText } from './exchange-state.ts';

type Chunk = string | Uint8Array;

/** What a handler has written; of more than may be answered, only how much it was. */
export interface Written {
  content: Buffer;
  bytes: number;
}

/** Has a response that belongs to no socket keep what is written to it; `ended` is called once. */
export function keepInMemory(res: ServerResponse, ended: (written: Written) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let over = false;
  const take = (chunk: unknown, encoding: unknown): void => {
    if (over || chunk === undefined || chunk === null || typeof chunk === 'function') return;
    const part =
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
        : Buffer.from(chunk as Uint8Array);
    bytes += part.length;
    if (bytes <= MIDDLEWARE_BODY_LIMIT_BYTES) chunks.push(part);
  };
  const own = {
    write: (chunk: Chunk, encoding?: unknown, done?: unknown) => {
      take(chunk, encoding);
      callLast(encoding, done);
      return true;
    },
    end: (chunk?: Chunk, encoding?: unknown, done?: unknown) => {
      take(chunk, encoding);
      if (!over) {
        over = true;
        ended({ content: Buffer.concat(chunks), bytes });
        process.nextTick(() => {
          res.emit('finish');
          res.emit('close');
        });
      }
      callLast(chunk, encoding, done);
      return res;
    },
    writeHead: (status: number, ...rest: unknown[]) => {
      res.statusCode = status;
      const headers = rest.find((part) => typeof part === 'object' && part !== null) ?? {};
      for (const [name, value] of Object.entries(headers)) res.setHeader(name, value as string);
      return res;
    },
    flushHeaders: () => undefined,
  };
  Object.assign(res, own);
  for (const name of ['headersSent', 'writableEnded', 'writableFinished', 'finished'])
    Object.defineProperty(res, name, { get: () => over });
}

/** The status and headers as they are now; bodies have no length before the host writes them. */
export function headOf(res: ServerResponse): Pick<HostResponse, 'status' | 'headers'> {
  const headers = Object.entries(res.getHeaders()).flatMap(([name, value]) => {
    if (value === undefined || name === 'content-length') return [];
    return [[name, Array.isArray(value) ? value.map(String) : String(value)] as const];
  });
  return { status: res.statusCode, headers: Object.fromEntries(headers) };
}

/** What was written, as the JSON it says it is, or as text. */
export function bodyOf(res: ServerResponse, { content, bytes }: Written): JsonText {
  if (bytes === 0) return undefined;
  if (bytes > MIDDLEWARE_BODY_LIMIT_BYTES)
    throw new PlatformError('TOO_LARGE', `Middleware answers with at most ${MIDDLEWARE_BODY_LIMIT_BYTES} bytes`);
  if (!isUtf8(content))
    throw new PlatformError('HANDLER_FAILED', 'Middleware answers with JSON or text, not with bytes');
  const text = content.toString('utf8');
  const type = res.getHeader('content-type');
  if (typeof type !== 'string' || !/^application\/(?:[\w.-]+\+)?json\b/i.test(type)) return textOf(text);
  JSON.parse(text);
  return text;
}

function callLast(...args: unknown[]): void {
  const callback = args.find((arg) => typeof arg === 'function') as (() => void) | undefined;
  if (callback) process.nextTick(callback);
}
