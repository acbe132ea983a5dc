import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { MOST_CONFIG_CHARACTERS, PlatformError } from '@verifywise/contracts';
import type { Request } from 'express';
import { byteSize } from '../byte-size.ts';
import type { ReceivedArchive } from '../installation/hands.ts';
import type { Upload } from '../installation/upload-plugin.ts';
import { FILE_FIELD, UploadFields } from './upload-fields.ts';

/** The settings of a plugin, all together. */
const LONGEST_FIELD = MOST_CONFIG_CHARACTERS;
/** One for each permission there could be, and the others. */
const MOST_PARTS = 60;
/** A browser on a slow line sends 10 MB in a few minutes. */
const UPLOAD_DEADLINE_MS = 300_000;

/** Where an upload is written while it comes. */
export interface UploadFile extends ReceivedArchive {
  append(bytes: Uint8Array): Promise<void>;
}

/** Gives a file to write the upload to, for as long as the work with it takes. */
export type ReceiveUpload = <T>(work: (into: UploadFile) => Promise<T>) => Promise<T>;

/** An upload that has come whole; its file is there until it is let go. */
export interface HeldUpload {
  upload: Upload;
  letGo: () => void;
}

export function holdUpload(receive: ReceiveUpload, req: Request, limitBytes: number): Promise<HeldUpload> {
  return new Promise((resolve, reject) => {
    const held = receive(async (into) => {
      const upload = await readUpload(req, limitBytes, into);
      await new Promise<void>((letGo) => resolve({ upload, letGo }));
    });
    held.catch(reject);
  });
}

/** The zip in the field `plugin` of a multipart form, and what stands beside it. */
async function readUpload(req: Request, limitBytes: number, into: UploadFile): Promise<Upload> {
  if (req.is('multipart/form-data') === false) {
    throw new PlatformError('UNSUPPORTED_MEDIA_TYPE', `Send the zip as multipart/form-data in the field ${FILE_FIELD}`);
  }
  const form = formOf(req, limitBytes);
  const late = AbortSignal.timeout(UPLOAD_DEADLINE_MS);
  const { promise: read, resolve, reject } = Promise.withResolvers<undefined>();
  let saved: Promise<void> | undefined;
  const fields = new UploadFields(LONGEST_FIELD);

  form.on('file', (field, stream) => {
    try {
      fields.addFile(field);
    } catch (error) {
      stream.resume();
      reject(error);
      return;
    }
    saved = save(stream, limitBytes, into);
    saved.catch(reject);
  });
  form.on('field', (field, value, { valueTruncated }) => {
    try {
      fields.add(field, value, { truncated: valueTruncated });
    } catch (error) {
      reject(error);
    }
  });
  const tooMany = () => reject(new PlatformError('BAD_REQUEST', `The form has more than ${MOST_PARTS} fields`));
  for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) form.on(limit, tooMany);
  form.on('error', (error) => reject(new PlatformError('BAD_REQUEST', 'The form cannot be read', { cause: error })));
  form.on('close', () => resolve(undefined));
  const cut = () => reject(new PlatformError('BAD_REQUEST', 'The upload was cut off'));
  req.once('aborted', cut);
  late.addEventListener('abort', cut);
  req.pipe(form);
  try {
    await read;
    if (saved === undefined) throw new PlatformError('BAD_REQUEST', `The form has no file in the field ${FILE_FIELD}`);
    await saved;
    return { archive: into, ...fields.all() };
  } finally {
    late.removeEventListener('abort', cut);
    req.off('aborted', cut);
    req.unpipe(form);
    req.resume();
    // Whoever still writes to the file has to stop before it is closed.
    form.destroy();
    await saved?.catch(() => undefined);
  }
}

/** Never holds more than the piece that has just come: the sender waits for the disk. */
async function save(stream: Readable & { truncated?: boolean }, limitBytes: number, into: UploadFile): Promise<void> {
  for await (const piece of stream) await into.append(piece as Buffer);
  if (stream.truncated === true) throw new PlatformError('PACKAGE_TOO_LARGE', tooLargeFor(limitBytes));
}

function tooLargeFor(limitBytes: number): string {
  return `The package is larger than ${byteSize(limitBytes)}, the most that an upload may have`;
}

function formOf(req: Request, limitBytes: number): busboy.Busboy {
  try {
    return busboy({
      headers: req.headers,
      limits: { fileSize: limitBytes, fields: MOST_PARTS, fieldSize: LONGEST_FIELD, parts: MOST_PARTS },
    });
  } catch (error) {
    throw new PlatformError('BAD_REQUEST', 'The form cannot be read', { cause: error });
  }
}
