import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { PlatformError } from '@verifywise/contracts';
import type { Dispatcher } from 'undici';
import { headersToPass } from './hop-headers.ts';

/** A plugin that says nothing for this long has not answered; streams may go on as long as something comes. */
const SILENCE_LIMIT_MS = 60_000;
/** An answer of up to this many bytes that is there at once is written together with its headers. */
const WRITTEN_AT_ONCE_BYTES = 16 * 1024;

export interface Target {
  client: Dispatcher;
  /** Of another runner; an isolate's connections lead nowhere else. */
  origin?: string;
  path: string;
  headers: Record<string, string | string[]>;
  /** Answers of this status reject with an error instead of being passed on. */
  refuse?: (status: number) => PlatformError | undefined;
}

/**
 * Passes a request on and its answer back, streaming both ways; when the client goes away, so does the request behind. Resolves when
 * the whole answer was handed over, or nobody waits for it any more; rejects when there is no answer.
 */
export function passThrough(req: IncomingMessage, res: ServerResponse, target: Target): Promise<void> {
  const { client, origin, path, headers, refuse } = target;
  return new Promise((resolve, reject) => {
    const answer = new AnswerPassing(res, { ...(refuse ? { refuse } : {}), resolve, reject });
    const request = {
      ...{
        method: req.method as Dispatcher.HttpMethod,
        path,
        headers,
        body: hasBody(req) ? Readable.from(bodyOf(req), { objectMode: false }) : null,
      },
      ...{ headersTimeout: SILENCE_LIMIT_MS, bodyTimeout: SILENCE_LIMIT_MS },
    };
    client.dispatch(origin === undefined ? request : { ...request, origin }, answer);
  });
}

/** Whether the request comes with a body; without one it can be sent again. */
export function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

/** What nobody reads any more is read to its end all the same: a client that still sends would not hear the answer. */
async function* bodyOf(req: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } finally {
    req.resume();
  }
}

interface Outcome {
  refuse?: Target['refuse'];
  resolve(): void;
  reject(error: PlatformError): void;
}

/** Hands the answer to the client as it comes. */
class AnswerPassing implements Dispatcher.DispatchHandler {
  readonly #res: ServerResponse;
  readonly #outcome: Outcome;
  #controller: Dispatcher.DispatchController | undefined;
  #length: string | string[] | undefined;

  constructor(res: ServerResponse, outcome: Outcome) {
    this.#res = res;
    this.#outcome = outcome;
    res.once('close', this.#clientLeft);
  }

  readonly #clientLeft = (): void => {
    if (!this.#res.writableFinished) this.#controller?.abort(new Error('The client went away'));
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#res.destroyed) controller.abort(new Error('The client went away'));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Another answer follows.
    if (status < 200) return;
    const refused = this.#outcome.refuse?.(status);
    if (refused) {
      controller.abort(refused);
      return;
    }
    const res = this.#res;
    this.#length = headers['content-length'];
    res.writeHead(status, headersToPass(headers));
    // A stream of events says nothing for a while, and its reader must know that it was opened.
    if (this.#length === undefined) res.flushHeaders();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const res = this.#res;
    if (Number(this.#length) === chunk.length && chunk.length <= WRITTEN_AT_ONCE_BYTES) {
      // As text it leaves with the headers in one piece; each byte is one letter of latin1, and the other way round.
      res.end(chunk.toString('latin1'), 'latin1');
      return;
    }
    if (res.write(chunk)) return;
    controller.pause();
    res.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    this.#res.end();
    this.#outcome.resolve();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const res = this.#res;
    // It may be asked for again, with another of these.
    res.off('close', this.#clientLeft);
    if (!res.headersSent && !res.destroyed) {
      this.#outcome.reject(noAnswer(error));
      return;
    }
    // Cut off in the middle, the answer must not look whole.
    res.destroy();
    this.#outcome.resolve();
  }
}

function noAnswer(error: Error & { code?: unknown }): PlatformError {
  if (error instanceof PlatformError) return error;
  if (error.code === 'UND_ERR_HEADERS_TIMEOUT')
    return new PlatformError('HANDLER_TIMED_OUT', 'The plugin did not answer in time', { cause: error });
  const message = 'The connection to the plugin ended before it had answered';
  return new PlatformError('UPSTREAM_FAILED', message, { cause: error });
}
