import { inspect } from 'node:util';
import { serialize } from 'node:v8';
import { PlatformError } from '@verifywise/contracts';
import { isDatabaseAway } from '@verifywise/service-kit';
import { kindOfCall, waitsItsTurn } from '../isolate/call-kinds.ts';
import type { FromIsolate, LogLevel, RunnerCalls, ToIsolate, WireError } from '../isolate/protocol.ts';
import { wireError } from '../isolate/protocol.ts';

/** What the isolate may ask; bound by the runner to one tenant and one plugin, whatever the message says. */
export type Capabilities = {
  [Call in keyof RunnerCalls]: (...request: RunnerCalls[Call]['request']) => Promise<RunnerCalls[Call]['answer']>;
};

export type AskedCall = Extract<FromIsolate, { kind: 'call' }>;
type Answer = Extract<ToIsolate, { kind: 'answer' }>;

/** Of one kind, this many calls of an isolate are under way; more than the runner's own connections are of no use to anybody. */
const MOST_UNDER_WAY = 16;
/** An isolate of ours holds back what is more than a few; past it a plugin can send as much as it likes. */
const MOST_IN_HAND = 5_000;
const MOST_BYTES_IN_HAND = 64 * 1024 * 1024;
/** While this much of what was answered is unread, nothing more is asked for. */
const MOST_UNREAD_BYTES = 16 * 1024 * 1024;
/** So long nothing is heard of an isolate that has more in hand than it may; always ended by the time, since it may owe us answers. */
const DEAF_MS = 10;
/** Longer than any error of the platform; what is longer repeats what the plugin said. */
const LONGEST_ERROR = 8_192;

export interface AskedCallsOptions {
  capabilities: Capabilities;
  pipe: { send(message: ToIsolate): void; readonly unreadBytes: number; rest(ms: number): void };
  log: (level: LogLevel, message: string, meta?: unknown) => void;
}

interface Waiting {
  asked: AskedCall;
  bytes: number;
}

/** One kind of calls: they wait for each other and for nobody else. */
interface Lane {
  most: number;
  underWay: number;
  waiting: Waiting[];
}

/** What an isolate asks of the platform: answered a few at a time, whatever the plugin writes into its pipe. */
export class AskedCalls {
  readonly #options: AskedCallsOptions;
  readonly #lanes = new Map<string, Lane>();
  #count = 0;
  #bytes = 0;
  #closed = false;

  constructor(options: AskedCallsOptions) {
    this.#options = options;
  }

  /** How many are not answered yet. */
  get count(): number {
    return this.#count;
  }

  take(asked: AskedCall, bytes: number): void {
    if (this.#closed) return;
    if (this.#count >= MOST_IN_HAND || (this.#count > 0 && this.#bytes + bytes > MOST_BYTES_IN_HAND)) {
      this.#options.pipe.rest(DEAF_MS);
      const message = `The plugin has asked for too much at once (${this.#count} calls wait); await some before asking for more`;
      this.#say({ kind: 'answer', id: asked.id, error: { code: 'BUSY', message } });
      return;
    }
    this.#count += 1;
    this.#bytes += bytes;
    const lane = this.#laneOf(asked);
    lane.waiting.push({ asked, bytes });
    this.#advance(lane);
  }

  /** Calls on when the isolate has read what it was answered. */
  advance(): void {
    for (const lane of this.#lanes.values()) this.#advance(lane);
  }

  /** Nobody is there any more who could read an answer: what waits is not done. */
  close(): void {
    this.#closed = true;
    this.#lanes.clear();
    this.#count = 0;
    this.#bytes = 0;
  }

  #laneOf({ call, request }: AskedCall): Lane {
    const kind = this.#knows(call) ? kindOfCall(call, request) : 'unknown';
    let lane = this.#lanes.get(kind);
    if (!lane)
      this.#lanes.set(
        kind,
        (lane = { most: waitsItsTurn(kind) ? MOST_UNDER_WAY : Infinity, underWay: 0, waiting: [] }),
      );
    return lane;
  }

  #knows(call: string): boolean {
    return Object.hasOwn(this.#options.capabilities, call);
  }

  #advance(lane: Lane): void {
    // Taken from the front in one go: shifting a long list one by one is slow.
    let next = 0;
    while (next < lane.waiting.length && lane.underWay < lane.most && !this.#closed) {
      if (this.#options.pipe.unreadBytes > MOST_UNREAD_BYTES) break;
      const { asked, bytes } = lane.waiting[next] as Waiting;
      next += 1;
      lane.underWay += 1;
      void this.#answer(asked).finally(() => {
        lane.underWay -= 1;
        if (this.#closed) return;
        this.#count -= 1;
        this.#bytes -= bytes;
        this.#advance(lane);
      });
    }
    if (next > 0) lane.waiting.splice(0, next);
  }

  async #answer({ id, call, request }: AskedCall): Promise<void> {
    try {
      if (!this.#knows(call) || !Array.isArray(request)) {
        const message = `The runner knows no ${shown(call)}; the package was built for another platform version`;
        throw new PlatformError('BAD_REQUEST', message);
      }
      const capability = this.#options.capabilities[call] as (...request: unknown[]) => Promise<unknown>;
      this.#say({ kind: 'answer', id, answer: await capability(...(request as unknown[])) });
    } catch (error) {
      this.#say({ kind: 'answer', id, error: this.#answerOf(call, error) });
    }
  }

  #answerOf(call: string, error: unknown): WireError {
    if (isDatabaseAway(error)) {
      this.#options.log('warn', `The platform's database did not answer ${shown(call)}`, cut(wireError(error)));
      return { code: 'UNAVAILABLE', message: "The platform's database cannot be reached now; try again in a moment" };
    }
    if (!(error instanceof PlatformError)) {
      this.#options.log('error', `The platform failed at ${shown(call)}`, cut(wireError(error)));
      return failed(call);
    }
    const { message, code, details } = error;
    const answer = cut({ message, code, ...(details === undefined ? {} : { details }) });
    // What the isolate itself refuses it logs itself; this is what only the runner knows (contract §2).
    if (code === 'PERMISSION_DENIED') this.#options.log('warn', `${shown(call)} was refused: ${answer.message}`);
    return answer;
  }

  /** Never throws: an answer that cannot be written is one more failure of the call. */
  #say(answer: Answer): void {
    try {
      this.#options.pipe.send(answer);
    } catch (error) {
      this.#options.log('error', 'The platform could not hand over an answer', cut(wireError(error)));
      this.#options.pipe.send({ kind: 'answer', id: answer.id, error: failed('a call') });
    }
  }
}

function failed(call: string): WireError {
  return { code: 'INTERNAL', message: `The platform failed at ${shown(call)}; its log says why` };
}

function shown(call: string): string {
  return call.length <= 64 ? call : `${inspect(call.slice(0, 64))}…`;
}

/** An error as short as errors are. */
function cut(error: WireError): WireError {
  const { message, code, stack, details } = error;
  return {
    message: shortened(message),
    ...(code === undefined ? {} : { code }),
    ...(stack === undefined ? {} : { stack: shortened(stack) }),
    ...(details === undefined || bytesOf(details) > LONGEST_ERROR ? {} : { details }),
  };
}

function shortened(text: string): string {
  return text.length <= LONGEST_ERROR ? text : `${text.slice(0, LONGEST_ERROR)}…`;
}

function bytesOf(details: unknown): number {
  try {
    return serialize(details).length;
  } catch {
    // What cannot be written cannot be answered either.
    return Infinity;
  }
}
