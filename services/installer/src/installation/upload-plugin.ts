import { PlatformError } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';
import type { SealGiven } from '../config/given-config.ts';
import type { Operation } from '../operations/operation.ts';
import type { Operations } from '../operations/operations.ts';
import type { Installations, ReceivedArchive, StoredPackage } from './hands.ts';
import type { Actor } from './transaction.ts';

export interface Upload {
  archive: ReceivedArchive;
  checksum?: string;
  /** As with every update: what the new version asks for beyond the old one. */
  acceptedPermissions?: Permission[];
  /** Installs what it needs first, from the registries or what ships with the platform. */
  withDependencies?: boolean;
  /** Settings for the version that is uploaded, where it takes another one's place. */
  config?: Record<string, unknown>;
  /** See NewOperation. */
  requestKey?: string | undefined;
}

export type UploadPlugin = (tenant: string, upload: Upload, actor: Actor) => Promise<Operation>;

interface Needs {
  installations: Installations;
  takeIn: (archive: ReceivedArchive, checksum: string | undefined) => Promise<StoredPackage>;
  operations: Operations;
  sealGiven: SealGiven;
}

/** A plugin from an admin's own hands (S:11.2): stored first, then installed, or put in the place of another version. */
export function createUploadPlugin({ installations, takeIn, operations, sealGiven }: Needs): UploadPlugin {
  return async (tenant, { archive, checksum, config, requestKey, ...options }, actor) => {
    const { digest, manifest } = await takeIn(archive, checksum);
    const existing = await installations.find(tenant, manifest.id);
    const kind = existing !== null && existing.version !== manifest.version ? 'update' : 'install';
    if (existing === null && config !== undefined) throw new NothingToSetError(manifest.id);
    const input = {
      uploaded: digest,
      ...options,
      ...(config === undefined ? {} : { sealedConfig: sealGiven(tenant, manifest.id, config) }),
    };
    return operations.start({ tenant, pluginId: manifest.id, kind, input, actor, requestKey });
  };
}

class NothingToSetError extends PlatformError {
  constructor(pluginId: string) {
    super(
      'VALIDATION_FAILED',
      `config goes with an upload that takes the place of another version, and ${pluginId} has none; upload it without, and save its settings then (PUT /api/plugins/${pluginId}/config)`,
    );
  }
}
