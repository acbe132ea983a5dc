import { join } from 'node:path';
import { describeBroker } from './describe-broker.ts';

/** Where the document is kept for those who read it without running anything. */
export const documentFile = join(import.meta.dirname, '../../../../docs/asyncapi.json');

/** The document as it is kept: generated, and never edited. */
export function documentText(): string {
  return `${JSON.stringify(describeBroker(), null, 2)}\n`;
}
