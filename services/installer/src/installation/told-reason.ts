import type { Operation } from '../operations/operation.ts';
import type { PluginError } from './installed-plugin.ts';
import type { Reason } from './package-steps.ts';
import { suggestedFix } from './suggested-fix.ts';

/** The reason with more to it. */
export function withDetails(reason: Reason, details: object): Reason {
  const before = typeof reason.details === 'object' ? reason.details : {};
  return { ...reason, details: { ...before, ...details } };
}

export function fixOf({ suggestedFix: fix }: Pick<PluginError, 'suggestedFix'>): { suggestedFix?: string } {
  return fix === undefined ? {} : { suggestedFix: fix };
}

/** Why an installation of which nothing is left has failed; where a hook failed, with what can be done about that. */
export function notInstalled({ kind, input, steps }: Operation, reason: Reason): Reason {
  if (!steps.some(({ name }) => name === 'onInstall')) return reason;
  const { code, message, stack } = reason;
  const operation = kind === 'enable' ? 'enable' : input.uploaded === undefined ? 'install' : 'upload';
  const fix = suggestedFix({
    ...{ code, message, aftermath: { kind: 'not installed', operation } },
    ...(stack === undefined ? {} : { stack }),
  });
  return withDetails(reason, fix === undefined ? {} : { suggestedFix: fix });
}
