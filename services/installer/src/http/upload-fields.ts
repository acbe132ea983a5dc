import { PlatformError } from '@verifywise/contracts';
import { isObject } from '../config/sealed-config.ts';
import type { Upload } from '../installation/upload-plugin.ts';
import { permissionsIn } from './permissions-in.ts';

/** The form's one file. */
export const FILE_FIELD = 'plugin';

type Fields = Omit<Upload, 'archive' | 'requestKey'>;

/** What stands beside the zip in the form of an upload. As in a JSON body, what is not known is refused. */
export class UploadFields {
  readonly #longest: number;
  readonly #seen = new Set<string>();
  readonly #accepted: string[] = [];
  #fields: Fields = {};

  constructor(longest: number) {
    this.#longest = longest;
  }

  /** Throws when it cannot be. */
  add(field: string, value: string, { truncated }: { truncated: boolean }): void {
    const read = Object.hasOwn(readers, field) ? readers[field] : undefined;
    if (field !== ACCEPTED && read === undefined) throw unknownField(field);
    if (truncated) throw new PlatformError('TOO_LARGE', `The field ${field} has more than ${this.#longest} bytes`);
    // One field for each, or all in one, separated by commas: forms and curl know no lists.
    if (read === undefined) {
      if (value.length > LONGEST_LIST) throw invalid(field, 'is too long', 'Name each permission once');
      this.#accepted.push(...value.split(',').map((word) => word.trim()));
      return;
    }
    if (this.#seen.has(field)) throw invalid(field, 'is there twice', 'Send it once');
    this.#seen.add(field);
    // A form sends what was not filled in as well.
    if (value !== '') this.#fields = { ...this.#fields, ...read(value) };
  }

  addFile(field: string): void {
    if (field !== FILE_FIELD) throw unknownField(field);
    if (this.#seen.has(field)) throw invalid(field, 'is there twice', 'Upload one package at a time');
    this.#seen.add(field);
  }

  all(): Fields {
    const named = this.#accepted.filter((word) => word !== '');
    return named.length === 0 ? this.#fields : { ...this.#fields, acceptedPermissions: permissionsIn(ACCEPTED, named) };
  }
}

const ACCEPTED = 'acceptedPermissions';

const readers: Record<string, (value: string) => Fields> = {
  checksum: (checksum) => ({ checksum }),
  config: (value) => ({ config: objectIn(value) }),
  withDependencies(value) {
    if (value !== 'true' && value !== 'false') {
      throw invalid('withDependencies', 'must be true or false', '`true` installs missing dependencies first');
    }
    return { withDependencies: value === 'true' };
  },
};

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw new PlatformError('BAD_REQUEST', 'The field config is no JSON object');
}

function unknownField(field: string): PlatformError {
  const known = [FILE_FIELD, ...Object.keys(readers), ACCEPTED].join(', ');
  return invalid(field, 'is not known here', `An upload has ${known}`);
}

function invalid(field: string, message: string, hint: string): PlatformError {
  const shown = field.slice(0, LONGEST_SHOWN);
  return new PlatformError('VALIDATION_FAILED', `The form's field ${shown} ${message}: ${hint}`, {
    details: { issues: [{ path: `/${shown}`, message, hint }] },
  });
}

const LONGEST_SHOWN = 60;
const LONGEST_LIST = 5_000;
