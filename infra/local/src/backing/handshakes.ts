import { connect } from 'node:net';
import pg from 'pg';

/** A local server answers in milliseconds; one that takes longer is not ready. */
const ANSWER_WITHIN_MS = 2_000;

const AMQP_HEADER = Buffer.from('AMQP\x00\x00\x09\x01', 'latin1');
/** Frame type METHOD on channel 0; class connection (10), method start (10) follow after the length. */
const CONNECTION_START = Buffer.from([0, 10, 0, 10]);

/** Resolves when the broker answers the AMQP header with Connection.Start. */
export async function amqpHandshake(url: string): Promise<void> {
  const answer = await exchange(url, 5672, AMQP_HEADER, 11);
  if (!answer.subarray(7, 11).equals(CONNECTION_START)) throw new Error('it does not speak AMQP 0-9-1');
}

/** Resolves when Redis answers PING with PONG; a server that still loads its data answers otherwise. */
export async function redisHandshake(url: string): Promise<void> {
  const { password } = new URL(url);
  const auth = password === '' ? '' : `AUTH ${decodeURIComponent(password)}\r\n`;
  const expected = auth === '' ? '+PONG\r\n' : '+OK\r\n+PONG\r\n';
  const answer = await exchange(url, 6379, Buffer.from(`${auth}PING\r\n`), expected.length);
  if (answer.toString() !== expected) throw new Error(`it answered ${answer.toString().trim()}`);
}

/** Runs commands on a connection of its own, in the database that the address names; rejects with what Redis refuses. */
export async function inRedis(url: string, commands: string[]): Promise<void> {
  const { password, pathname } = new URL(url);
  const auth = password === '' ? [] : [`AUTH ${decodeURIComponent(password)}`];
  const database = pathname.slice(1) === '' ? [] : [`SELECT ${pathname.slice(1)}`];
  const lines = [...auth, ...database, ...commands];
  const question = Buffer.from(lines.map((line) => `${line}\r\n`).join(''));
  const answer = (await exchange(url, 6379, question, '+OK\r\n'.length * lines.length)).toString();
  if (answer.includes('-')) throw new Error(`Redis answered ${answer.trim()}`);
}

/** Resolves when PostgreSQL accepts a login and runs a statement. */
export async function postgresHandshake(url: string): Promise<void> {
  await inPostgres(url, (client) => client.query('SELECT 1'));
}

/** Runs one piece of work on a connection of its own. */
export async function inPostgres<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: ANSWER_WITHIN_MS });
  // A server that goes away while we talk to it is reported by the query, not by the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function exchange(url: string, defaultPort: number, question: Buffer, atLeast: number): Promise<Buffer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: port === '' ? defaultPort : Number(port) });
    const chunks: Buffer[] = [];
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(ANSWER_WITHIN_MS, () => fail(new Error('it does not answer')));
    socket.once('error', fail);
    socket.once('close', () => fail(new Error('it closes the connection')));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      const answer = Buffer.concat(chunks);
      if (answer.length < atLeast && answer[0] !== 0x2d) return;
      resolve(answer);
      socket.destroy();
    });
    socket.write(question);
  });
}
