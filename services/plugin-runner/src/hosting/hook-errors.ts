import type { ErrorCode, LifecycleHook, PluginFailure } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import { PluginCodeError, PluginCrashError } from './isolate-crash.ts';

type HookErrorCode = 'HOOK_FAILED' | 'HOOK_TIMED_OUT' | 'PLUGIN_LOAD_FAILED' | 'PERMISSION_DENIED';

/** By these the platform says that it could not answer now, which says nothing about the plugin that asked. */
const NOT_ANSWERED: ReadonlySet<string | undefined> = new Set<ErrorCode>([
  ...(['UNAVAILABLE', 'BROKER_UNAVAILABLE', 'STOPPING'] as const),
  ...(['ASK_TIMED_OUT', 'PUBLISH_TIMED_OUT', 'TIMED_OUT'] as const),
]);

/** A hook failed; `pluginStack` is for the plugin's author, never for an HTTP client. */
export class HookError extends PlatformError {
  readonly hook: LifecycleHook | 'load';
  readonly reason: PluginFailure['reason'];
  readonly pluginStack: string | undefined;
  /** It let through that the platform (its database, its scheduler, its broker) did not answer. */
  readonly platformAway: boolean;
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
    this.platformAway = cause instanceof PluginCodeError && NOT_ANSWERED.has(cause.answeredCode);
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
