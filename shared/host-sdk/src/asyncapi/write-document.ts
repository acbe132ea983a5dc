/** Writes docs/asyncapi.json anew: `node shared/host-sdk/src/asyncapi/write-document.ts`. */
import { writeFile } from 'node:fs/promises';
import { documentFile, documentText } from './document.ts';

await writeFile(documentFile, documentText());
