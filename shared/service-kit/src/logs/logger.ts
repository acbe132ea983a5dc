import pino from 'pino';
import { redacted, redactText } from './redaction.ts';

export type Logger = pino.Logger;

/** Names hidden in the bindings of child loggers, which pino formats on its own. */
const SECRET_BINDINGS = ['authorization', 'cookie', 'password', 'secret', 'token', 'apiKey'];

/** A logger that writes JSON lines to stdout (or `destination`) and hides secrets wherever they stand in a line. */
export function createLogger(name: string, level: string, destination?: pino.DestinationStream): Logger {
  const options: pino.LoggerOptions = {
    name,
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRET_BINDINGS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    // Errors are made plain by `redacted` already, whatever name they have in a line.
    serializers: { err: (plain: unknown) => plain },
    formatters: {
      level: (label) => ({ level: label }),
      bindings: redacted,
      log: redacted,
    },
    hooks: {
      logMethod(args, method) {
        method.apply(
          this,
          args.map((arg: unknown) => (typeof arg === 'string' ? redactText(arg) : arg)) as typeof args,
        );
      },
    },
  };
  // Written at once, so that the last lines of a process that exits are there, and in order.
  return pino(options, destination ?? pino.destination({ fd: 1, sync: true }));
}
