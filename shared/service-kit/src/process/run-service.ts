import { messageOf } from '../errors/thrown.ts';
import { createLogger, type Logger } from '../logs/logger.ts';
import { commonSettings } from '../settings/groups.ts';
import { readSettings } from '../settings/read-settings.ts';
import { CloseError, Closers } from './closers.ts';

/**
 * Runs a service as this process: the only place that knows signals and exit codes.
 * SIGTERM and SIGINT close everything in reverse order within STOP_DEADLINE_MS and exit 0 (1 when something did not close);
 * a second signal exits at once. A start that fails closes what was opened, says why in one line on stderr and exits 1.
 */
export function runService(name: string, start: (closers: Closers, log: Logger) => Promise<void>): void {
  const settings = processSettings(name);
  if (settings === undefined) return;
  const log = createLogger(name, settings.logLevel);
  const closers = new Closers();
  let stopping = false;

  const stop = async (exitCode: number): Promise<never> => {
    stopping = true;
    let code = exitCode;
    try {
      await closers.closeAll(settings.stopDeadlineMs);
    } catch (error) {
      code = 1;
      for (const one of error instanceof CloseError ? error.errors : [error])
        log.error({ err: one as unknown }, 'not closed');
    }
    log.info({ code }, 'stopped');
    process.exit(code);
  };

  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) {
      log.warn({ signal }, 'second signal: exiting at once');
      process.exit(1);
    }
    log.info({ signal }, 'stopping');
    void stop(0);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);

  // After an error nobody caught the state is unknown: what is in flight is delivered again to a fresh process.
  const onUncaught = (error: unknown) => {
    log.fatal({ err: error }, 'uncaught error: exiting');
    process.exit(1);
  };
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUncaught);

  start(closers, log).then(
    () => {
      if (!stopping) log.info({ pid: process.pid, node: process.version }, 'started');
    },
    (error: unknown) => {
      if (stopping) return;
      log.fatal({ err: error }, 'could not start');
      process.stderr.write(`${name} could not start: ${messageOf(error)}\n`);
      void stop(1);
    },
  );
}

function processSettings(name: string): { logLevel: string; stopDeadlineMs: number } | undefined {
  const { logLevel, stopDeadlineMs } = commonSettings;
  try {
    return readSettings(process.env, { logLevel, stopDeadlineMs });
  } catch (error) {
    process.stderr.write(`${name} could not start: ${messageOf(error)}\n`);
    process.exitCode = 1;
    return undefined;
  }
}
