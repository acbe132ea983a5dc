import { format } from 'node:util';
import type { LogLevel } from './protocol.ts';
import type { RunnerChannel } from './runner-channel.ts';

/** A line longer than this is cut: a log is for reading. */
const LONGEST_LINE = 16_384;

/** Sends one line of the plugin's log to the runner, which knows whose it is. */
export function logLine(channel: RunnerChannel, level: LogLevel, message: unknown, meta?: unknown): void {
  const text = typeof message === 'string' ? message : format(message);
  channel.say({
    kind: 'log',
    level,
    message: shortened(text),
    ...(meta === undefined ? {} : { meta: plain(meta) }),
  });
}

/** Makes `console.*` of the plugin lines of its log. */
export function captureConsole(channel: RunnerChannel): void {
  const levels = { log: 'info', info: 'info', debug: 'debug', trace: 'debug', warn: 'warn', error: 'error' } as const;
  for (const [method, level] of Object.entries(levels)) {
    console[method as keyof typeof levels] = (...parts: unknown[]) => logLine(channel, level, format(...parts));
  }
}

function shortened(text: string): string {
  return text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}…` : text;
}

/** What of a plugin's `meta` can cross the channel: JSON, with errors by message, stack and cause. */
function plain(meta: unknown): unknown {
  try {
    const text = JSON.stringify(meta, (_key, value: unknown) =>
      value instanceof Error ? errorParts(value) : value,
    ) as string | undefined;
    if (text === undefined) return shortened(format(meta));
    return text.length > LONGEST_LINE ? shortened(text) : JSON.parse(text);
  } catch {
    return shortened(format(meta));
  }
}

/** `fetch failed` says nothing without its cause. */
function errorParts({ message, stack, cause, code }: Error & { code?: unknown }) {
  return { message, stack, ...(code === undefined ? {} : { code }), ...(cause === undefined ? {} : { cause }) };
}
