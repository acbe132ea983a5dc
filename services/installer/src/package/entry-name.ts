import type { ArchiveCode } from '@verifywise/contracts';
import { ArchiveError } from './archive-errors.ts';

const LONGEST_NAME = 512;
/** What Windows takes for a device, whatever its ending. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;

/** The name as text, or a refusal: only relative paths with `/` that name one place on every system (contract §3). */
export function safeEntryName(bytes: Buffer): string {
  let name: string;
  try {
    name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ArchiveError('ARCHIVE_NAME_NOT_UTF8', 'has a name that is not UTF-8', bytes.toString('latin1'));
  }
  const problem = problemOf(name);
  if (problem !== undefined) throw new ArchiveError(...problem, name);
  return name;
}

function problemOf(name: string): [code: ArchiveCode, why: string] | undefined {
  if (name === '') return ['ARCHIVE_NAME_EMPTY', 'has no name'];
  if (name.length > LONGEST_NAME)
    return ['ARCHIVE_NAME_TOO_LONG', `has a name of more than ${LONGEST_NAME} characters`];
  if (name.includes('\0')) return ['ARCHIVE_NAME_NUL', 'has a NUL in its name'];
  // eslint-disable-next-line no-control-regex -- control characters are what is to be found here
  if (/[\u0001-\u001f\u007f-\u009f]/.test(name)) return ['ARCHIVE_NAME_CONTROL', 'has a control character in its name'];
  if (name.includes('\\')) return ['ARCHIVE_NAME_BACKSLASH', 'has a backslash in its name'];
  if (name.startsWith('/')) return ['ARCHIVE_PATH_ABSOLUTE', 'has an absolute path'];
  if (/^[a-z]:/i.test(name)) return ['ARCHIVE_PATH_DRIVE', 'begins with a drive letter'];
  const parts = (name.endsWith('/') ? name.slice(0, -1) : name).split('/');
  if (parts.includes('..')) return ['ARCHIVE_PATH_PARENT', 'leads out of the package'];
  if (parts.includes('') || parts.includes('.')) return ['ARCHIVE_PATH_STEP', 'has an empty step or a dot in its path'];
  if (name.includes(':')) return ['ARCHIVE_NAME_COLON', 'has a colon in its name'];
  if (parts.some((part) => DEVICE.test(part))) return ['ARCHIVE_NAME_DEVICE', 'has the name of a device'];
  if (parts.some((part) => /[. ]$/.test(part)))
    return ['ARCHIVE_NAME_ENDING', 'has a name that ends with a dot or a space'];
  return undefined;
}

/** What two names have in common when some file system would take them for one. */
export function sameNameKey(name: string): string {
  // Upper case first: letters such as ſ and K have no other lower case, but one upper case with s and k.
  return name.replace(/\/$/, '').normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
}
