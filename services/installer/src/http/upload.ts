import busboy from 'busboy';
import { PlatformError } from '@verifywise/contracts';
import type { Request } from 'express';
import { byteSize } from '../byte-size.ts';
import type { Upload } from '../installation/upload-plugin.ts';
import { permissionsIn } from './permissions-in.ts';

const FIELD = 'plugin';
/** A browser on a slow line sends 10 MB in a few minutes. */
const UPLOAD_DEADLINE_MS = 300_000;

/** The zip in the field `plugin` of a multipart form, and what stands beside it: its checksum, the permissions that are accepted. */
export async function readUpload(req: Request, limitBytes: number): Promise<Upload> {
  if (req.is('multipart/form-data') === false) {
    throw new PlatformError('UNSUPPORTED_MEDIA_TYPE', `Send the zip as multipart/form-data in the field ${FIELD}`);
  }
  const form = formOf(req, limitBytes);
  const late = AbortSignal.timeout(UPLOAD_DEADLINE_MS);
  const { promise, resolve, reject } = Promise.withResolvers<Upload>();
  const pieces: Buffer[] = [];
  let [found, tooLarge] = [false, false];
  let checksum: string | undefined;
  const accepted: string[] = [];

  form.on('file', (field, stream) => {
    if (field !== FIELD || found) {
      stream.resume();
      return;
    }
    found = true;
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('limit', () => {
      tooLarge = true;
      pieces.length = 0;
    });
  });
  form.on('field', (field, value) => {
    if (field === 'checksum' && value !== '') checksum = value;
    // One field for each, or all in one, separated by commas: forms and curl know no lists.
    if (field === 'acceptedPermissions') accepted.push(...value.split(',').map((word) => word.trim()));
  });
  form.on('error', (error) => reject(new PlatformError('BAD_REQUEST', 'The form cannot be read', { cause: error })));
  form.on('close', () => {
    if (tooLarge) reject(new PlatformError('PACKAGE_TOO_LARGE', tooLargeFor(limitBytes)));
    else if (!found) reject(new PlatformError('BAD_REQUEST', `The form has no file in the field ${FIELD}`));
    else resolve({ archive: Buffer.concat(pieces), ...(checksum === undefined ? {} : { checksum }) });
  });
  const cut = () => reject(new PlatformError('BAD_REQUEST', 'The upload was cut off'));
  req.once('aborted', cut);
  late.addEventListener('abort', cut);
  req.pipe(form);
  try {
    return { ...(await promise), ...acceptedIn(accepted) };
  } finally {
    late.removeEventListener('abort', cut);
    req.off('aborted', cut);
    req.unpipe(form);
    req.resume();
  }
}

function tooLargeFor(limitBytes: number): string {
  return `The package is larger than ${byteSize(limitBytes)}, the most that an upload may have`;
}

function formOf(req: Request, limitBytes: number): busboy.Busboy {
  try {
    return busboy({
      headers: req.headers,
      limits: { fileSize: limitBytes, files: 5, fields: 20, fieldSize: 10_000, parts: 30 },
    });
  } catch (error) {
    throw new PlatformError('BAD_REQUEST', 'The form cannot be read', { cause: error });
  }
}

function acceptedIn(words: string[]): Pick<Upload, 'acceptedPermissions'> {
  const named = words.filter((word) => word !== '');
  return named.length === 0 ? {} : { acceptedPermissions: permissionsIn('acceptedPermissions', named) };
}
