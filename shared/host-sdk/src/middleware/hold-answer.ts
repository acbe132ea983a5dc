import type { HostOutgoing } from './host-exchange.ts';

/** An answer that the route has given in one piece, and that waits to be sent. */
export interface HeldAnswer {
  /** The bytes as the route gave them; undefined when there are none. */
  readonly bytes: Buffer | undefined;
  /** Sends what the route gave: with the status and headers that are on the response now. */
  send(): void;
  /** Sends these bytes in their place. */
  sendInstead(bytes: Buffer | undefined): void;
}

export interface AnswerHolder {
  /** Called at most once, with an answer in one piece. Nothing is sent before one of its two functions is called. */
  held(answer: HeldAnswer): void;
  /** Called instead, when the answer begins before it is complete; it goes its way untouched. */
  streamed(): void;
}

type Method = (...args: unknown[]) => unknown;

/**
 * Holds back the answer of the route that comes next, when it comes in one piece (`res.json`, `res.send`, `res.end`). One that is written
 * in parts is passed on, part by part. Others may have wrapped the response before, or wrap it afterwards: both go on working.
 */
export function holdAnswer(res: HostOutgoing, holder: AnswerHolder): void {
  const methods = res as unknown as Record<'write' | 'end' | 'writeHead' | 'flushHeaders', Method>;
  const { write, end, writeHead, flushHeaders } = methods;
  let state: 'open' | 'held' | 'released' = 'open';

  // What is passed on goes by these for ever: who wrapped them afterwards would be cut off if they were taken away again.
  methods.write = (...args) => {
    if (state === 'held') return tooLate(args);
    if (state === 'open') release();
    return write.apply(res, args);
  };
  methods.flushHeaders = (...args) => {
    if (state === 'held') return undefined;
    if (state === 'open') release();
    return flushHeaders.apply(res, args);
  };
  // Node sends nothing when the head is written; set instead, it can still be changed.
  methods.writeHead = (...args) => {
    if (state === 'released') return writeHead.apply(res, args);
    if (state === 'open') setHead(res, args);
    return res;
  };
  methods.end = (...args) => {
    if (state === 'released') return end.apply(res, args);
    if (state === 'held') tooLate(args);
    else hold(args);
    return res;
  };

  function release(): void {
    state = 'released';
    holder.streamed();
  }

  function hold(args: unknown[]): void {
    state = 'held';
    const callback = args.find((arg) => typeof arg === 'function');
    const go = (...finalArgs: unknown[]): void => {
      if (state === 'released') return;
      state = 'released';
      end.apply(res, finalArgs);
    };
    holder.held({
      bytes: bytesOf(args),
      send: () => go(...args),
      sendInstead: (bytes) => go(...[bytes, callback].filter((arg) => arg !== undefined)),
    });
  }
}

function bytesOf([chunk, encoding]: unknown[]): Buffer | undefined {
  if (chunk === undefined || chunk === null || typeof chunk === 'function') return undefined;
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  }
  return Buffer.from(chunk as Uint8Array);
}

/** As Node's own `writeHead` does with a response that has headers already. */
function setHead(res: HostOutgoing, [status, ...rest]: unknown[]): void {
  res.statusCode = status as number;
  if (typeof rest[0] === 'string') res.statusMessage = rest[0];
  const headers = rest.find((arg) => typeof arg === 'object' && arg !== null);
  if (Array.isArray(headers)) setRawHeaders(res, headers.flat(1) as string[]);
  else
    for (const [name, value] of Object.entries(headers ?? {}))
      if (value !== undefined) res.setHeader(name, value as string);
}

/** A list in which names and values take turns; one that is named twice has two values. */
function setRawHeaders(res: HostOutgoing, raw: string[]): void {
  for (let at = 0; at < raw.length; at += 2) res.removeHeader(raw[at] ?? '');
  for (let at = 0; at < raw.length; at += 2) res.appendHeader(raw[at] ?? '', raw[at + 1] ?? '');
}

/** The answer is decided; what comes after it is told so, as by a response that has ended. */
function tooLate(args: unknown[]): false {
  const callback = args.find((arg) => typeof arg === 'function') as ((error: Error) => void) | undefined;
  if (callback !== undefined) process.nextTick(callback, new Error('The answer has been given already'));
  return false;
}
