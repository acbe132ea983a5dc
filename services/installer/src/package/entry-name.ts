import { ArchiveError } from './archive-errors.ts';

const LONGEST_NAME = 512;
/** What Windows takes for a device, whatever its ending. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/** The name as text, or a refusal: only relative paths with `/` that name one place on every system (contract §3). */
export function safeEntryName(bytes: Buffer): string {
  let name: string;
  try {
    name = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ArchiveError('ARCHIVE_UNSAFE_PATH', 'has a name that is not UTF-8', bytes.toString('latin1'));
  }
  const problem = problemOf(name);
  if (problem !== undefined) throw new ArchiveError('ARCHIVE_UNSAFE_PATH', problem, name);
  return name;
}

function problemOf(name: string): string | undefined {
  if (name === '') return 'has no name';
  if (name.length > LONGEST_NAME) return `has a name of more than ${LONGEST_NAME} characters`;
  // eslint-disable-next-line no-control-regex -- control characters are what is to be found here
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'has a control character in its name';
  if (name.includes('\\')) return 'has a backslash in its name';
  if (name.startsWith('/')) return 'has an absolute path';
  if (/^[a-z]:/i.test(name)) return 'begins with a drive letter';
  const parts = (name.endsWith('/') ? name.slice(0, -1) : name).split('/');
  if (parts.includes('..')) return 'leads out of the package';
  if (parts.includes('') || parts.includes('.')) return 'has an empty step or a dot in its path';
  if (parts.some((part) => part.includes(':'))) return 'has a colon in its name';
  if (parts.some((part) => DEVICE.test(part))) return 'has the name of a device';
  if (parts.some((part) => /[. ]$/.test(part))) return 'has a name that ends with a dot or a space';
  return undefined;
}

/** What two names have in common when some file system would take them for one. */
export function sameNameKey(name: string): string {
  return name.replace(/\/$/, '').normalize('NFC').toLowerCase();
}
