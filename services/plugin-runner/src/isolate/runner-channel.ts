import { Socket } from 'node:net';
import type { FromIsolate, IsolateCalls, RunnerCalls, ToIsolate, WireError } from './protocol.ts';
import { MessagePipe, PIPE_FD } from './message-pipe.ts';
import { originals } from './originals.ts';
import { wireError } from './protocol.ts';

/** How long a plugin waits for the runner before its promise rejects: longer than any database or broker deadline behind it. */
const RUNNER_ANSWER_DEADLINE_MS = 30_000;

export type IsolateHandlers = {
  [Call in keyof IsolateCalls]: (
    request: IsolateCalls[Call]['request'],
  ) => Promise<IsolateCalls[Call]['answer']> | IsolateCalls[Call]['answer'];
};

/** An error the runner answered with; plugins compare its `code`. */
class RunnerError extends Error {
  readonly code: string | undefined;
  readonly details?: unknown;
  constructor(error: WireError) {
    super(error.message);
    this.name = error.code === 'PERMISSION_DENIED' ? 'PermissionDeniedError' : 'PlatformError';
    this.code = error.code;
    if (error.details !== undefined) this.details = error.details;
  }
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** The isolate's end of the pipe to its runner. */
export class RunnerChannel {
  #nextId = 1;
  readonly #waiting = new Map<number, Waiting>();
  readonly #denied: (error: Error) => void;
  readonly #pipe: MessagePipe;
  #handlers: IsolateHandlers | undefined;

  /** `denied` is told of everything the runner refused the plugin. */
  constructor(denied: (error: Error) => void) {
    this.#denied = denied;
    this.#pipe = new MessagePipe(new Socket({ fd: PIPE_FD, readable: true, writable: true }), {
      message: (said) => this.#hear(said as ToIsolate),
      broken: () => originals.endProcess(),
      // Without its runner an isolate has no business: nothing it does would be recorded.
      closed: () => originals.endProcess(),
    });
  }

  /** How many questions wait for their answer. */
  get asked(): number {
    return this.#waiting.size;
  }

  listen(handlers: IsolateHandlers): void {
    this.#handlers = handlers;
  }

  say(message: FromIsolate): void {
    this.#pipe.send(message);
  }

  ask<Call extends keyof RunnerCalls>(
    call: Call,
    ...request: RunnerCalls[Call]['request']
  ): Promise<RunnerCalls[Call]['answer']> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = originals.setTimeout(() => {
        this.#waiting.delete(id);
        reject(new RunnerError({ code: 'TIMED_OUT', message: `The platform did not answer ${call} in time` }));
      }, RUNNER_ANSWER_DEADLINE_MS);
      this.#waiting.set(id, { resolve: resolve, reject, timer });
      try {
        this.#pipe.send({ kind: 'call', id, call, request } satisfies FromIsolate);
      } catch (error) {
        // What cannot be cloned (a function, a socket) is the caller's mistake, not the channel's.
        this.#settle({ kind: 'answer', id, error: { ...wireError(error), code: 'BAD_REQUEST' } });
      }
    });
  }

  #hear(message: ToIsolate): void {
    if (message.kind === 'answer') this.#settle(message);
    else if (this.#handlers) void this.#handle(this.#handlers, message);
  }

  #settle(message: Extract<ToIsolate, { kind: 'answer' }>): void {
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return;
    this.#waiting.delete(message.id);
    originals.clearTimeout(waiting.timer);
    if (!message.error) {
      waiting.resolve(message.answer);
      return;
    }
    const error = new RunnerError(message.error);
    if (error.code === 'PERMISSION_DENIED') this.#denied(error);
    waiting.reject(error);
  }

  async #handle(handlers: IsolateHandlers, { id, call, request }: Extract<ToIsolate, { kind: 'call' }>): Promise<void> {
    try {
      const handler = handlers[call] as (request: unknown) => unknown;
      this.say({ kind: 'answer', id, answer: await handler(request) });
    } catch (error) {
      this.say({ kind: 'answer', id, error: wireError(error) });
    }
  }
}
