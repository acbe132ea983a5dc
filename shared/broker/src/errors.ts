import { PlatformError } from '@verifywise/contracts';

/** The broker cannot be reached, or did not take a message; repeating later with the same id is safe. */
export class BrokerUnavailableError extends PlatformError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('BROKER_UNAVAILABLE', message, options);
  }
}

/** No confirm arrived in time. The message may have been taken all the same; repeat it with the same id. */
export class PublishTimedOutError extends PlatformError {
  constructor(name: string, deadlineMs: number) {
    super('PUBLISH_TIMED_OUT', `RabbitMQ did not confirm ${name} within ${deadlineMs} ms; it may be sent again`);
  }
}

/** The broker found no queue for the message and gave it back. */
export class UnroutableError extends PlatformError {
  constructor(code: 'NO_RUNNER' | 'UNAVAILABLE', name: string, queue: string) {
    super(code, `Nobody takes ${name}: the queue ${queue} does not exist`);
  }
}

export class AskTimedOutError extends PlatformError {
  constructor(name: string, deadlineMs: number) {
    super('ASK_TIMED_OUT', `Nobody answered ${name} within ${deadlineMs} ms`);
  }
}

/** The work was accepted and will be done; only its outcome did not arrive in time. */
export class OutcomeTimedOutError extends PlatformError {
  constructor(name: string, deadlineMs: number) {
    super('TIMED_OUT', `The outcome of ${name} did not arrive within ${deadlineMs} ms; the work itself still happens`);
  }
}

export class MessageTooLargeError extends PlatformError {
  constructor(name: string, bytes: number, limit: number) {
    super('TOO_LARGE', `${name} has ${bytes} bytes, but a message may have ${limit}`, { details: { bytes, limit } });
  }
}

/** The caller's mistake: this cannot be a message. */
export class InvalidMessageError extends PlatformError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('BAD_REQUEST', message, options);
  }
}

export class BrokerClosedError extends PlatformError {
  constructor() {
    super('STOPPING', 'The connection to the broker was closed');
  }
}

/** A queue or exchange exists with other arguments than this version declares; only deleting it by hand helps. */
export class TopologyMismatchError extends PlatformError {
  constructor(what: string, options: { cause: unknown }) {
    const broker = options.cause instanceof Error ? options.cause.message : String(options.cause);
    super(
      'CONFLICT',
      `${what} exists with other arguments than this version declares; empty it, delete it, and start again (${broker})`,
      options,
    );
  }
}
