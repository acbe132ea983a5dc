import { codeOf, messageOf } from '../errors/thrown.ts';

/** Of the connection; PostgreSQL that has too much to do, or is stopping: it says nothing about what it was asked. */
const CODES = /^(08...|53...|57P0.|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)$/;
/** The driver gives these no code. */
const MESSAGES =
  /timeout exceeded when trying to connect|connection terminated|client has encountered a connection error/i;

/** Whether the database could not be asked, or gave no answer: what was to be done may be done when it is back. */
export function isDatabaseAway(error: unknown): boolean {
  const code = codeOf(error);
  return code === undefined ? MESSAGES.test(messageOf(error)) : CODES.test(code);
}
