import type { ErrorCode, PluginFailure } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { WireError } from '../isolate/protocol.ts';

export type CrashReason = Exclude<PluginFailure['reason'], 'hook' | 'load'>;

/** Why an isolate ended that nobody had stopped. */
export interface IsolateCrash {
  reason: Exclude<CrashReason, 'hook-timeout'>;
  message: string;
  stack?: string;
}

/** What was seen of an isolate up to its end. */
export interface LastSeen {
  code: number | null;
  signal: NodeJS.Signals | null;
  hanging: boolean;
  /** What it had in memory when that was too much. */
  usedMb: number | undefined;
  unhandled: WireError | undefined;
  /** It wrote that it could not get more memory. */
  outOfMemory: boolean;
  limits: { heapMb: number; memoryMb: number; hangLimitMs: number };
}

export function crashOf({ code, signal, hanging, usedMb, unhandled, outOfMemory, limits }: LastSeen): IsolateCrash {
  if (usedMb !== undefined) {
    const message = `The plugin used ${usedMb} MB of memory, more than its ${limits.memoryMb} MB, and was ended`;
    return { reason: 'memory', message };
  }
  if (unhandled) {
    const { message, stack } = unhandled;
    const reason = saysOutOfMemory(message) ? 'memory' : 'unhandled';
    return { reason, message, ...(stack === undefined ? {} : { stack }) };
  }
  if (hanging) {
    const message = `The plugin kept its event loop busy for more than ${limits.hangLimitMs / 1000} s and was ended`;
    return { reason: 'hang', message };
  }
  if (outOfMemory) {
    const allowed = `${limits.heapMb} MB of heap, or its ${limits.memoryMb} MB of memory in all,`;
    return { reason: 'memory', message: `The plugin needed more than its ${allowed} and was ended` };
  }
  if (signal) return { reason: 'signal', message: `The plugin's process was ended by ${signal}` };
  return { reason: 'exit', message: `The plugin's process ended by itself with exit code ${code ?? 'unknown'}` };
}

/** What V8, Node and C++ say when there is no more memory to be had. */
export function saysOutOfMemory(line: string): boolean {
  return /out of memory|allocation failed|failed to allocate memory|bad_alloc/i.test(line);
}

/** An error thrown by plugin code, with the stack its author needs. */
export class PluginCodeError extends PlatformError {
  readonly pluginStack: string | undefined;
  /** Of the platform's own error, when the plugin has only let one through. */
  readonly answeredCode: ErrorCode | undefined;
  constructor(error: WireError) {
    super(codeOf(error), error.message);
    this.pluginStack = error.stack;
    this.answeredCode = error.answered ? error.code : undefined;
  }
}

/** The process ended before it had answered. */
export class PluginCrashError extends PluginCodeError {
  readonly reason: IsolateCrash['reason'];
  constructor({ reason, message, stack }: IsolateCrash) {
    super({ code: 'PLUGIN_CRASHED', message, stack });
    this.reason = reason;
  }
}

/** Codes that say what became of the plugin are kept; any other is what a handler failed with. */
function codeOf({ code }: { code?: string | undefined }) {
  if (code === 'PLUGIN_CRASHED' || code === 'PLUGIN_LOAD_FAILED' || code === 'PERMISSION_DENIED') return code;
  // Node's own word for it, where none of our guards stands in between: `import` of a file of the machine.
  return code === 'ERR_ACCESS_DENIED' ? 'PERMISSION_DENIED' : 'HANDLER_FAILED';
}
