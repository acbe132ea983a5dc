import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';

/** Where an isolate finds its end of the pipe. */
export const PIPE_FD = 3;
/** More than any message of the platform has; who announces more is writing something else. */
const LARGEST_MESSAGE_BYTES = 64 * 1024 * 1024;
/** Of what an isolate says. Reading it keeps the runner from everything else, and nothing that is passed on may be larger. */
export const LARGEST_FROM_ISOLATE_BYTES = 16 * 1024 * 1024;
/** What the other end has not read is kept in memory here; it reads all the time, unless it is no isolate of ours any more. */
const MOST_UNREAD_BYTES = 512 * 1024 * 1024;
const LENGTH_BYTES = 4;

export interface PipeHearing {
  /** With the bytes that it took. */
  message(said: unknown, bytes: number): void;
  /** The other end has read everything that it was sent. */
  drained?(): void;
  /** What came is no message: from here on nothing that comes can be understood. */
  broken(error: Error): void;
  /** The other end is gone. */
  closed(): void;
}

/**
 * Messages between a runner and one isolate: the length in four bytes, then the value as V8 writes it. Node's own IPC throws where nobody
 * can catch it when what arrives is no message, and a plugin can write whatever it likes to a file descriptor of its process.
 */
export class MessagePipe {
  readonly #socket: Socket;
  readonly #hearing: PipeHearing;
  readonly #largestHeard: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  #wanted = LENGTH_BYTES;
  #readsLength = true;
  #broken = false;
  #resting = false;

  constructor(socket: Socket, hearing: PipeHearing, largestHeard = LARGEST_MESSAGE_BYTES) {
    this.#socket = socket;
    this.#hearing = hearing;
    this.#largestHeard = largestHeard;
    socket.on('data', (part: Buffer) => this.#read(part));
    socket.on('drain', () => hearing.drained?.());
    socket.once('close', () => hearing.closed());
    // A pipe whose other end is gone is closed; there is nothing more to say about it.
    socket.on('error', () => undefined);
  }

  get open(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** How much of what was sent the other end has not read. */
  get unreadBytes(): number {
    return this.#socket.writableLength;
  }

  /** Reads on only after this time; what comes meanwhile stays with the other end. */
  rest(ms: number): void {
    if (this.#resting) return;
    this.#resting = true;
    this.#socket.pause();
    setTimeout(() => {
      this.#resting = false;
      this.#socket.resume();
    }, ms);
  }

  /** Throws when the message cannot be written: a function in it, too many bytes. */
  send(message: unknown): void {
    this.sendPacked(packed(message));
  }

  sendPacked(packet: Buffer): void {
    if (!this.open || this.#broken) return;
    if (this.unreadBytes > MOST_UNREAD_BYTES) {
      this.#break(new RangeError(`It left ${this.unreadBytes} bytes unread`));
      return;
    }
    this.#socket.write(packet);
  }

  #read(part: Buffer): void {
    if (this.#broken) return;
    this.#parts.push(part);
    this.#bytes += part.length;
    while (this.#bytes >= this.#wanted) {
      const bytes = this.#take();
      const understood = this.#readsLength ? this.#expect(bytes.readUInt32BE()) : this.#hear(bytes);
      if (!understood) return;
    }
  }

  #expect(length: number): boolean {
    if (length > this.#largestHeard) {
      return this.#break(new RangeError(`A message of ${length} bytes was announced`));
    }
    this.#readsLength = false;
    this.#wanted = length;
    return true;
  }

  #hear(body: Buffer): boolean {
    this.#readsLength = true;
    this.#wanted = LENGTH_BYTES;
    let said: unknown;
    try {
      said = deserialize(body);
    } catch (error) {
      return this.#break(error as Error);
    }
    this.#hearing.message(said, body.length);
    return true;
  }

  /** The bytes that are wanted, from the parts that have come. */
  #take(): Buffer {
    const [first] = this.#parts;
    const all = first && this.#parts.length === 1 ? first : Buffer.concat(this.#parts, this.#bytes);
    const rest = all.subarray(this.#wanted);
    this.#parts = rest.length > 0 ? [rest] : [];
    this.#bytes = rest.length;
    return all.subarray(0, this.#wanted);
  }

  #break(error: Error): false {
    this.#broken = true;
    this.#parts = [];
    this.#hearing.broken(error);
    return false;
  }
}

/** A message as it is now, ready to be sent later. Throws when it cannot be written. */
export function packed(message: unknown, largest = LARGEST_MESSAGE_BYTES): Buffer {
  const body = serialize(message);
  if (body.length > largest) {
    throw new RangeError(`A message may have ${largest} bytes; this one has ${body.length}`);
  }
  const packet = Buffer.allocUnsafe(LENGTH_BYTES + body.length);
  packet.writeUInt32BE(body.length);
  body.copy(packet, LENGTH_BYTES);
  return packet;
}
