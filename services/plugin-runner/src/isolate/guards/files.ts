import fs from 'node:fs';
import type { GuardParts } from './guards.ts';
import { PermissionDeniedError } from './permission-denied.ts';
import type { Anything } from './replace.ts';
import { functionsOf, passOn, replace } from './replace.ts';

/** These know a listener by the function it was added as. */
const KEEPS_LISTENERS = new Set(['watchFile', 'unwatchFile']);

/** What is open was allowed to be opened. */
const OF_OPEN_FILES = /^(f(stat|sync|datasync|truncate)|readv?|writev?|close)(Sync)?$/;

interface AccessDenied extends Error {
  permission?: string;
  resource?: string;
}

/** Files are kept from the plugin by Node's permission model (spawn-isolate.ts); here its errors become those a plugin expects. */
export function guardFiles({ settings, denials }: GuardParts): void {
  const said = (error: unknown): unknown => {
    if (!isAccessDenied(error)) return error;
    const permission = error.permission === 'FileSystemRead' ? 'filesystem:read' : 'filesystem:write';
    const tried = `${permission === 'filesystem:read' ? 'Reading' : 'Writing'} ${error.resource ?? 'outside of its folder'}`;
    if (!settings.has(permission)) return denials.of(PermissionDeniedError.missing(permission, tried));
    return denials.of(PermissionDeniedError.beyond(permission, tried, 'it covers the folder that os.tmpdir() names'));
  };

  for (const form of [fs, fs.promises]) {
    for (const name of functionsOf(form).filter((name) => !OF_OPEN_FILES.test(name))) {
      replace(form, name, (original) => translated(original, said, { callsBack: !KEEPS_LISTENERS.has(name) }));
    }
  }
  for (const name of ['realpath', 'realpathSync'] as const) {
    replace(fs[name], 'native', (original) => translated(original, said, { callsBack: true }));
  }
}

/** The same function, whose denials say what a plugin needs: thrown, called back or rejected, as it was called. */
export function translated(
  original: Anything,
  said: (error: unknown) => unknown,
  { callsBack }: { callsBack: boolean },
) {
  return function file(this: unknown, ...args: unknown[]): unknown {
    const last = args.length - 1;
    const callback = callsBack ? args[last] : undefined;
    const told =
      typeof callback === 'function'
        ? function (this: unknown, error: unknown, ...rest: unknown[]): unknown {
            return Reflect.apply(callback, this, [said(error), ...rest]);
          }
        : undefined;
    if (told) args[last] = told;
    try {
      const result: unknown = passOn(original, this, args);
      return result instanceof Promise
        ? result.catch((error: unknown) => Promise.reject(said(error) as Error))
        : result;
    } catch (error) {
      if (!isAccessDenied(error)) throw error;
      // Some of Node's functions throw a denial that others call back.
      if (!told) throw said(error);
      process.nextTick(told, error);
      return undefined;
    }
  };
}

function isAccessDenied(error: unknown): error is AccessDenied {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED';
}
