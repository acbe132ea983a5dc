import { dotted, PlatformError, type ConfigIssue, type ManifestIssue, type SecretPlace } from '@verifywise/contracts';

/** More than this nobody reads. */
const MOST_SHOWN = 50;

/** Values that do not fit: every issue with its path and what to do about it. */
export function configInvalid(issues: ManifestIssue[]): PlatformError {
  const shown = issues.slice(0, MOST_SHOWN);
  const more = issues.length > shown.length ? `; and ${issues.length - shown.length} more` : '';
  const message = `${shown.map(({ message: what, hint }) => `${what} (${hint})`).join('; ')}${more}`;
  return new PlatformError('CONFIG_INVALID', message, { details: { issues: shown } });
}

export function unclearIssue(place: SecretPlace): ConfigIssue {
  return {
    rule: 'secret',
    path: `/${place}`,
    message: `"${dotted(place)}" is to keep a secret, and which one is not clear since its list has changed`,
    hint: 'Give the secret again, or null for none',
  };
}

export function unreadableIssue(error: PlatformError): ManifestIssue {
  return { path: '', message: error.message, hint: 'Give every secret of its list again' };
}
