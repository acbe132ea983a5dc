import { PlatformError, type ArchiveCode } from '@verifywise/contracts';

/** An archive that is not taken in, and why. */
export class ArchiveError extends PlatformError {
  constructor(code: ArchiveCode | 'NOT_A_ZIP', why: string, entry?: string) {
    const shown = entry === undefined ? undefined : printable(entry);
    super(code, shown === undefined ? `The archive ${why}` : `The archive's entry "${shown}" ${why}`, {
      ...(shown === undefined ? {} : { details: { entry: shown } }),
    });
  }
}

/** Names come from outside: control characters and endless names do not reach a log or an answer. */
function printable(name: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is to be found here
  return name.slice(0, 200).replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e-\u202e]/g, '\ufffd');
}
