import { isPluginId, parseVersion, PlatformError, reservedPluginIds } from '@verifywise/contracts';

const LONGEST_SHOWN = 60;

/** What cannot be a plugin's id is not there, rather than malformed. */
export function assertPluginId(id: string): void {
  if (isPluginId(id)) return;
  const rule = reservedPluginIds.includes(id)
    ? 'the platform uses this word itself'
    : 'an id is words of a-z and 0-9 joined by single hyphens, begins with a letter and has at most 50 characters';
  throw new PlatformError(
    'PLUGIN_NOT_FOUND',
    `There is no plugin ${shown(id)}: ${rule}; GET /api/marketplace lists the plugins there are`,
  );
}

/** Refuses what no registry could have, before an operation begins. */
export function assertVersion(version: string | undefined): void {
  if (version === undefined || parseVersion(version) !== undefined) return;
  throw new PlatformError('VALIDATION_FAILED', `${shown(version)} is no version; write it as 1.2.3`, {
    details: { issues: [{ path: '/version', message: 'is no version', hint: 'Write it as 1.2.3, or leave it out' }] },
  });
}

function shown(text: string): string {
  return JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text);
}
