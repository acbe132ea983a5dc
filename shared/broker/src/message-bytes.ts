import { envelope, isTenant, type Envelope } from '@verifywise/contracts';
import type { Options } from 'amqplib';
import type { Message } from './broker.ts';
import { InvalidMessageError, MessageTooLargeError } from './errors.ts';

/** What RabbitMQ 4 takes by default; a larger message would cost the whole channel. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface OutgoingMessage {
  id: string;
  bytes: Buffer;
  properties: Options.Publish;
}

/** Wraps a message into its envelope; rejects what could not be read, or not be sent. */
export function messageBytes(type: string, source: string, message: Message<unknown>): OutgoingMessage {
  if (message.tenant !== null && !isTenant(message.tenant)) {
    throw new InvalidMessageError(`${type}: ${JSON.stringify(message.tenant)} is not a tenant id`);
  }
  const wrapped = envelope({ ...message, type, source, payload: message.payload ?? null });
  return { id: wrapped.id, bytes: jsonBytes(type, wrapped), properties: propertiesOf(wrapped) };
}

/** JSON within the limit of a message. */
export function jsonBytes(name: string, value: unknown): Buffer {
  let bytes: Buffer;
  try {
    bytes = Buffer.from(JSON.stringify(value));
  } catch (error) {
    throw new InvalidMessageError(`${name} cannot be written as JSON`, { cause: error });
  }
  if (bytes.length > MAX_MESSAGE_BYTES) throw new MessageTooLargeError(name, bytes.length, MAX_MESSAGE_BYTES);
  return bytes;
}

/** AMQP's own fields, for people who look into a queue; programs read the envelope. */
function propertiesOf(wrapped: Envelope): Options.Publish {
  return {
    messageId: wrapped.id,
    type: wrapped.type,
    appId: wrapped.source,
    contentType: 'application/json',
    timestamp: Math.floor(Date.parse(wrapped.time) / 1000),
  };
}
