import type { InstalledRecord } from '../installation/installed-plugin.ts';
import type { OperationInput, Progress } from '../installation/progress.ts';
import type { Operation } from '../operations/operation.ts';
import type { AuditEntry } from './audit-log.ts';

/** The door an installation came through. */
export function installAction({ uploaded, downloadUrl }: OperationInput): string {
  if (uploaded !== undefined) return 'upload';
  return downloadUrl === undefined ? 'install' : 'install-from-url';
}

/** The same for a version that takes another one's place. */
export function updateAction({ uploaded }: OperationInput): string {
  return uploaded === undefined ? 'update' : 'upload';
}

/** What `force` went past, all of it in one sentence; nothing when there was nothing in its way. */
export function overriddenBy(reasons: (string | undefined)[]): Pick<Progress, 'overridden'> {
  const given = reasons.filter((reason) => reason !== undefined);
  return given.length === 0 ? {} : { overridden: given.join('; ') };
}

/** Of an entry's `after`: what `force` went past. */
export function forcedIn({ overridden }: Progress): { force?: true; overridden?: string } {
  return overridden === undefined ? {} : { force: true, overridden };
}

/** The `after` of an entry about a change of version. */
export function versionAfter(
  { version, state, granted }: Pick<InstalledRecord, 'version' | 'state' | 'granted'>,
  progress: Progress,
): Record<string, unknown> {
  return { version, state, granted, ...forcedIn(progress) };
}

/** What the end of an operation adds to the log: that it failed and why, or that there was nothing to do if no step has told of a change. */
export function endOfOperation(operation: Operation): AuditEntry {
  const { pluginId, actor, id: operationId, status, error } = operation;
  const about = { pluginId, actor, operationId, action: actionOf(operation) };
  if (status !== 'failed') return { ...about, outcome: 'unchanged' };
  const { code, message } = error ?? {
    code: 'INTERNAL' as const,
    message: 'The operation failed for an unknown reason',
  };
  return { ...about, outcome: 'failed', error: { code, message } };
}

function actionOf({ kind, input }: Operation): string {
  if (kind === 'install') return installAction(input);
  return kind === 'update' ? updateAction(input) : kind;
}
