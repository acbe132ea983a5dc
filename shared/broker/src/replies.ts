import { errorAnswer, errorFromAnswer, isErrorCode, type ErrorAnswer, type PlatformError } from '@verifywise/contracts';
import type { Channel } from 'amqplib';
import type { Log } from './broker.ts';
import type { BrokerConnection } from './connection.ts';
import { LastingChannel } from './lasting-channel.ts';
import { jsonBytes } from './message-bytes.ts';
import type { BrokerMetrics } from './metrics.ts';

/** What goes back to who asked: a result, or an error. */
export type Reply = { result?: unknown } | { error: ErrorAnswer };

const DIRECT_REPLY_PREFIX = 'amq.rabbitmq.reply-to.';
export const REPLY_QUEUE_PREFIX = 'replies.';

/** Sends answers and outcomes back. One that finds nobody is dropped: who asked has given up, or will ask again. */
export class Replies {
  readonly #channel: LastingChannel;
  readonly #log: Log;

  constructor(options: { connection: BrokerConnection; log: Log; metrics: BrokerMetrics }) {
    this.#log = options.log;
    this.#channel = new LastingChannel<Channel>({
      ...options,
      name: 'replies',
      create: (model) => model.createChannel(),
      setUp: () => undefined,
    });
  }

  start(deadlineMs: number): Promise<void> {
    return this.#channel.start(deadlineMs);
  }

  /** Before the connection is closed. */
  close(): void {
    this.#channel.leave();
  }

  /** Never throws: a reply that cannot be sent, because it is too large or no JSON, is replaced by that error. */
  send(address: string, correlationId: string, reply: Reply): void {
    // A message must not be able to name any queue it likes as the place for its reply.
    const known = address.startsWith(DIRECT_REPLY_PREFIX) || address.startsWith(REPLY_QUEUE_PREFIX);
    const channel = this.#channel.life?.channel;
    if (!known || channel === undefined) {
      this.#log.warn({ address, correlationId }, 'A reply was dropped: there is no way to its address');
      return;
    }
    channel.publish('', address, replyBytes(reply), { correlationId, contentType: 'application/json' });
  }
}

function replyBytes(reply: Reply): Buffer {
  try {
    return jsonBytes('The reply', reply);
  } catch (error) {
    return jsonBytes('The reply', { error: errorAnswer(error) });
  }
}

/** The result in these bytes, or the error they carry. */
export function readReply(bytes: Buffer): { result: unknown } | { error: PlatformError } {
  const reply = parse(bytes);
  if (reply === undefined) return { error: errorFromAnswer({ code: 'INTERNAL', message: 'The reply cannot be read' }) };
  if (!('error' in reply)) return { result: reply.result };
  const { code, message, details } = reply.error;
  // A newer answerer may know codes that this process does not.
  return { error: errorFromAnswer({ code: isErrorCode(code) ? code : 'INTERNAL', message, details }) };
}

function parse(bytes: Buffer): Reply | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
