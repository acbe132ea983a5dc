import type { Permission } from '@verifywise/plugin-types';
import type { Operation } from '../operations/operation.ts';
import type { Operations } from '../operations/operations.ts';
import type { Installations, ReceivedArchive, StoredPackage } from './hands.ts';
import type { Actor } from './transaction.ts';

export interface Upload {
  archive: ReceivedArchive;
  checksum?: string;
  /** As with every update: what the new version asks for beyond the old one. */
  acceptedPermissions?: Permission[];
  /** See NewOperation. */
  requestKey?: string | undefined;
}

export type UploadPlugin = (tenant: string, upload: Upload, actor: Actor) => Promise<Operation>;

interface Needs {
  installations: Installations;
  takeIn: (archive: ReceivedArchive, checksum: string | undefined) => Promise<StoredPackage>;
  operations: Operations;
}

/** A plugin from an admin's own hands (S:11.2): stored first, then installed, or put in the place of another version. */
export function createUploadPlugin({ installations, takeIn, operations }: Needs): UploadPlugin {
  return async (tenant, { archive, checksum, acceptedPermissions, requestKey }, actor) => {
    const { digest, manifest } = await takeIn(archive, checksum);
    const existing = await installations.find(tenant, manifest.id);
    const kind = existing !== null && existing.version !== manifest.version ? 'update' : 'install';
    const input = { uploaded: digest, ...(acceptedPermissions === undefined ? {} : { acceptedPermissions }) };
    return operations.start({ tenant, pluginId: manifest.id, kind, input, actor, requestKey });
  };
}
