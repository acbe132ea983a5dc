import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { MOST_CONFIG_CHARACTERS, PlatformError } from '@verifywise/contracts';
import type { Request } from 'express';
import { byteSize } from '../byte-size.ts';
import { isObject } from '../config/sealed-config.ts';
import type { ReceivedArchive } from '../installation/hands.ts';
import type { Upload } from '../installation/upload-plugin.ts';
import { permissionsIn } from './permissions-in.ts';

const FIELD = 'plugin';
/** The settings of a plugin, all together. */
const LONGEST_FIELD = MOST_CONFIG_CHARACTERS;
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

/**
 * The zip in the field `plugin` of a multipart form, and what stands beside it: its checksum, the permissions that are accepted, settings
 * for the new version.
 */
async function readUpload(req: Request, limitBytes: number, into: UploadFile): Promise<Upload> {
  if (req.is('multipart/form-data') === false) {
    throw new PlatformError('UNSUPPORTED_MEDIA_TYPE', `Send the zip as multipart/form-data in the field ${FIELD}`);
  }
  const form = formOf(req, limitBytes);
  const late = AbortSignal.timeout(UPLOAD_DEADLINE_MS);
  const { promise: read, resolve, reject } = Promise.withResolvers<undefined>();
  let saved: Promise<void> | undefined;
  let checksum: string | undefined;
  let config: Record<string, unknown> | undefined;
  const accepted: string[] = [];

  form.on('file', (field, stream) => {
    if (field !== FIELD || saved !== undefined) {
      stream.resume();
      return;
    }
    saved = save(stream, limitBytes, into);
    saved.catch(reject);
  });
  form.on('field', (field, value, { valueTruncated }) => {
    if (field === 'checksum' && value !== '') checksum = value;
    if (field === 'config' && value !== '') {
      if (valueTruncated)
        reject(new PlatformError('TOO_LARGE', `The field config has more than ${LONGEST_FIELD} bytes`));
      config = objectIn(value);
      if (config === undefined) reject(new PlatformError('BAD_REQUEST', 'The field config is no JSON object'));
    }
    // One field for each, or all in one, separated by commas: forms and curl know no lists.
    if (field === 'acceptedPermissions') accepted.push(...value.split(',').map((word) => word.trim()));
  });
  form.on('error', (error) => reject(new PlatformError('BAD_REQUEST', 'The form cannot be read', { cause: error })));
  form.on('close', () => resolve(undefined));
  const cut = () => reject(new PlatformError('BAD_REQUEST', 'The upload was cut off'));
  req.once('aborted', cut);
  late.addEventListener('abort', cut);
  req.pipe(form);
  try {
    await read;
    if (saved === undefined) throw new PlatformError('BAD_REQUEST', `The form has no file in the field ${FIELD}`);
    await saved;
    return {
      archive: into,
      ...(checksum === undefined ? {} : { checksum }),
      ...(config === undefined ? {} : { config }),
      ...acceptedIn(accepted),
    };
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
      limits: { fileSize: limitBytes, files: 5, fields: 20, fieldSize: LONGEST_FIELD, parts: 30 },
    });
  } catch (error) {
    throw new PlatformError('BAD_REQUEST', 'The form cannot be read', { cause: error });
  }
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function acceptedIn(words: string[]): Pick<Upload, 'acceptedPermissions'> {
  const named = words.filter((word) => word !== '');
  return named.length === 0 ? {} : { acceptedPermissions: permissionsIn('acceptedPermissions', named) };
}
