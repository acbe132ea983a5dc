import { ADMIN_ROLE, OPERATOR_ROLE, type Identity } from '@verifywise/contracts';
import type { PluginView } from '../installation/plugin-view.ts';
import type { AlertLine } from '../installation/records.ts';

/** An error as this user may read it: a stack is for who manages plugins, since it tells of code and of what the code was given. */
export function shownError<Told extends { stack?: string }>(error: Told, { role }: Pick<Identity, 'role'>): Told {
  if (role === ADMIN_ROLE || role === OPERATOR_ROLE) return error;
  const { stack: _, ...shown } = error;
  return shown as Told;
}

export function shownPlugin(plugin: PluginView, who: Identity): PluginView {
  const { lastError } = plugin;
  return lastError === null ? plugin : { ...plugin, lastError: shownError(lastError, who) };
}

export function shownAlert(alert: AlertLine, who: Identity): AlertLine {
  const { failure } = alert;
  return failure === null ? alert : { ...alert, failure: shownError(failure, who) };
}
