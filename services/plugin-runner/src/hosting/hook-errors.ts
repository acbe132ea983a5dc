import type { LifecycleHook, PluginFailure } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import { PluginCodeError, PluginCrashError } from './isolate-crash.ts';

type HookErrorCode = 'HOOK_FAILED' | 'HOOK_TIMED_OUT' | 'PLUGIN_LOAD_FAILED' | 'PERMISSION_DENIED';

/** A hook failed; `pluginStack` is for the plugin's author, never for an HTTP client. */
export class HookError extends PlatformError {
  readonly hook: LifecycleHook | 'load';
  readonly reason: PluginFailure['reason'];
  readonly pluginStack: string | undefined;
  constructor(
    code: HookErrorCode,
    hook: LifecycleHook | 'load',
    reason: PluginFailure['reason'],
    message: string,
    cause: unknown,
  ) {
    super(code, message, { cause });
    this.hook = hook;
    this.reason = cause instanceof PluginCrashError ? cause.reason : reason;
    this.pluginStack = cause instanceof PluginCodeError ? cause.pluginStack : undefined;
  }
}

export function hookFailure(pluginId: string, hook: LifecycleHook, limitMs: number, error: unknown): HookError {
  const code = codeOf(error);
  if (code === 'HANDLER_TIMED_OUT') {
    const message = `${hook} of ${pluginId} did not finish within ${limitMs / 1000} s`;
    return new HookError('HOOK_TIMED_OUT', hook, 'hook-timeout', message, error);
  }
  const message = `${hook} of ${pluginId} failed: ${(error as Error).message}`;
  return new HookError(code === 'PERMISSION_DENIED' ? code : 'HOOK_FAILED', hook, 'hook', message, error);
}

export function loadFailure(pluginId: string, error: unknown): HookError {
  const code = codeOf(error);
  const message = `The code of ${pluginId} could not be loaded: ${(error as Error).message}`;
  return new HookError(
    code === 'PERMISSION_DENIED' ? code : 'PLUGIN_LOAD_FAILED',
    'load',
    code === 'HANDLER_TIMED_OUT' ? 'hook-timeout' : 'load',
    message,
    error,
  );
}

function codeOf(error: unknown): string | undefined {
  return error instanceof PlatformError ? error.code : undefined;
}
