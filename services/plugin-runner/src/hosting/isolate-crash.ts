import type { PluginFailure } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { WireError } from '../isolate/protocol.ts';

/** Why an isolate ended that nobody had stopped. */
export interface IsolateCrash {
  reason: Extract<PluginFailure['reason'], 'exit' | 'signal' | 'memory' | 'hang' | 'unhandled'>;
  message: string;
  stack?: string;
}

/** What was seen of an isolate up to its end. */
export interface LastSeen {
  code: number | null;
  signal: NodeJS.Signals | null;
  hanging: boolean;
  unhandled: WireError | undefined;
  stderrTail: string;
  limits: { heapMb: number; hangLimitMs: number };
}

export function crashOf({ code, signal, hanging, unhandled, stderrTail, limits }: LastSeen): IsolateCrash {
  if (unhandled) {
    const { message, stack } = unhandled;
    return { reason: 'unhandled', message, ...(stack === undefined ? {} : { stack }) };
  }
  if (hanging) {
    const message = `The plugin kept its event loop busy for more than ${limits.hangLimitMs / 1000} s and was ended`;
    return { reason: 'hang', message };
  }
  if (/heap out of memory|Allocation failed/i.test(stderrTail)) {
    const message = `The plugin needed more than its ${limits.heapMb} MB of memory and was ended`;
    return { reason: 'memory', message };
  }
  if (signal) return { reason: 'signal', message: `The plugin's process was ended by ${signal}` };
  return { reason: 'exit', message: `The plugin's process ended by itself with exit code ${code ?? 'unknown'}` };
}

/** An error thrown by plugin code, with the stack its author needs. */
export class PluginCodeError extends PlatformError {
  readonly pluginStack: string | undefined;
  constructor(error: WireError) {
    const { code } = error;
    super(code === 'PLUGIN_CRASHED' || code === 'PLUGIN_LOAD_FAILED' ? code : 'HANDLER_FAILED', error.message);
    this.pluginStack = error.stack;
  }
}
