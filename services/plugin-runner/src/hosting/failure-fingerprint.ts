import { createHash } from 'node:crypto';

const LENGTH = 16;
/** What differs between two failures of the same kind: ids and numbers. */
const OF_ONE_CASE = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|0x[0-9a-f]+|\d+/gi;

/** The same for failures at one event whose messages differ only in ids and numbers. */
export function fingerprintOf(event: string, message: string): string {
  return createHash('sha256')
    .update(`${event}\n${message.replace(OF_ONE_CASE, '#')}`)
    .digest('hex')
    .slice(0, LENGTH);
}
