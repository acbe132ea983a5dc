import type { LifecycleHook } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import { PluginCodeError } from './isolate-crash.ts';

/** A hook failed; `pluginStack` is for the plugin's author, never for an HTTP client. */
export class HookError extends PlatformError {
  readonly hook: LifecycleHook | 'load';
  readonly pluginStack: string | undefined;
  constructor(
    code: 'HOOK_FAILED' | 'HOOK_TIMED_OUT' | 'PLUGIN_LOAD_FAILED',
    hook: LifecycleHook | 'load',
    message: string,
    cause: unknown,
  ) {
    super(code, message, { cause });
    this.hook = hook;
    this.pluginStack = cause instanceof PluginCodeError ? cause.pluginStack : undefined;
  }
}

export function hookFailure(pluginId: string, hook: LifecycleHook, limitMs: number, error: unknown): HookError {
  if (error instanceof PlatformError && error.code === 'HANDLER_TIMED_OUT') {
    const message = `${hook} of ${pluginId} did not finish within ${limitMs / 1000} s`;
    return new HookError('HOOK_TIMED_OUT', hook, message, error);
  }
  return new HookError('HOOK_FAILED', hook, `${hook} of ${pluginId} failed: ${(error as Error).message}`, error);
}

export function loadFailure(pluginId: string, error: unknown): HookError {
  const message = `The code of ${pluginId} could not be loaded: ${(error as Error).message}`;
  return new HookError('PLUGIN_LOAD_FAILED', 'load', message, error);
}
