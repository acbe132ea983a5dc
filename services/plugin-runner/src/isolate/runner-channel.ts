import { Socket } from 'node:net';
import type { FromIsolate, IsolateCalls, RunnerCalls, ToIsolate, WireError } from './protocol.ts';
import { kindOfCall, waitsItsTurn } from './call-kinds.ts';
import { LARGEST_FROM_ISOLATE_BYTES, MessagePipe, PIPE_FD, packed } from './message-pipe.ts';
import { originals } from './originals.ts';
import { wireError } from './protocol.ts';

/** How long a plugin waits for the runner before its promise rejects: longer than any database or broker deadline behind it. */
const RUNNER_ANSWER_DEADLINE_MS = 30_000;
/** Of each kind; the others wait here, in the plugin's own memory, since the runner refuses who asks for too much at once. */
const MOST_SENT = 64;

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
  kind: string;
}

/** The isolate's end of the pipe to its runner. */
export class RunnerChannel {
  #nextId = 1;
  readonly #waiting = new Map<number, Waiting>();
  /** How many of each kind were sent and are not answered. */
  readonly #sent = new Map<string, number>();
  /** What is not sent yet, by kind and in its order. */
  readonly #held = new Map<string, Map<number, Buffer>>();
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
    this.#pipe.sendPacked(packed(message, LARGEST_FROM_ISOLATE_BYTES));
  }

  ask<Call extends keyof RunnerCalls>(
    call: Call,
    ...request: RunnerCalls[Call]['request']
  ): Promise<RunnerCalls[Call]['answer']> {
    const id = this.#nextId++;
    let packet: Buffer;
    try {
      // Packed at once: while it waits for its turn the plugin may change what it has handed over.
      packet = packed({ kind: 'call', id, call, request } satisfies FromIsolate, LARGEST_FROM_ISOLATE_BYTES);
    } catch (error) {
      // What cannot be cloned (a function, a socket) is the caller's mistake, not the channel's.
      return Promise.reject(new RunnerError({ ...wireError(error), code: 'BAD_REQUEST' }));
    }
    return new Promise((resolve, reject) => {
      const kind = kindOfCall(call, request);
      const timer = originals.setTimeout(() => {
        const message = `The platform did not answer ${call} in time`;
        this.#settle({ kind: 'answer', id, error: { code: 'TIMED_OUT', message } });
      }, RUNNER_ANSWER_DEADLINE_MS);
      this.#waiting.set(id, { resolve: resolve, reject, timer, kind });
      if (waitsItsTurn(kind) && this.#sentOf(kind) >= MOST_SENT) this.#hold(kind, id, packet);
      else this.#send(kind, packet);
    });
  }

  #sentOf(kind: string): number {
    return this.#sent.get(kind) ?? 0;
  }

  #hold(kind: string, id: number, packet: Buffer): void {
    const held = this.#held.get(kind) ?? new Map<number, Buffer>();
    this.#held.set(kind, held.set(id, packet));
  }

  #send(kind: string, packet: Buffer): void {
    this.#sent.set(kind, this.#sentOf(kind) + 1);
    this.#pipe.sendPacked(packet);
  }

  /** One less of its kind: the next one's turn. */
  #ended(kind: string, id: number): void {
    const held = this.#held.get(kind);
    if (held?.delete(id)) return;
    this.#sent.set(kind, this.#sentOf(kind) - 1);
    const [next] = held ?? [];
    if (!next) return;
    held?.delete(next[0]);
    this.#send(kind, next[1]);
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
    this.#ended(waiting.kind, message.id);
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
      this.say({ kind: 'answer', id, error: { ...wireError(error), answered: error instanceof RunnerError } });
    }
  }
}
