import type { ErrorAnswer, PackageRef, PluginState } from '@verifywise/contracts';
import type { Permission, PluginManifest } from '@verifywise/plugin-types';
import type { PartOfConfig } from '../config/part-of-config.ts';
import type { PluginSource } from './installed-plugin.ts';

/** What an admin asked for. Which fields matter depends on the kind of the operation. */
export interface OperationInput {
  version?: string;
  /** As the caller believes them to be; they must agree with our registry. */
  downloadUrl?: string;
  checksum?: string;
  /** The digest of a package that was uploaded and taken in already. */
  uploaded?: string;
  withDependencies?: boolean;
  acceptedPermissions?: Permission[];
  force?: boolean;
  deleteData?: boolean;
  cascade?: boolean;
  /** Settings for the version that is to come, sealed as a whole; gone once the operation has finished. */
  sealedConfig?: string;
}

/** Where the bytes of a version come from. */
export type ChosenSource =
  | { kind: 'stored'; source: PluginSource; digest: string }
  | {
      kind: 'registry';
      registry: string;
      verified: boolean;
      local: boolean;
      allowedHosts: string[];
      needsToken?: boolean;
      downloadUrl: string;
      checksum: string;
      version: string;
    };

export interface ChildOperation {
  pluginId: string;
  kind: 'install' | 'enable' | 'disable' | 'uninstall';
  input: OperationInput;
}

export interface BroughtSettings {
  keys: string[];
  /** What was stored of them. */
  before: PartOfConfig;
  /** Those that are different now, and how the audit log shows that. */
  fields: string[];
  shown: { before: unknown; after: unknown };
}

/** What the steps of an operation leave for the ones after them. */
export interface Progress {
  /** The state was reached before we began. */
  nothingToDo?: boolean;
  installFirst?: boolean;
  chosen?: ChosenSource;
  children?: ChildOperation[];
  /** What enabling needs enabled before. */
  enableFirst?: ChildOperation[];
  package?: PackageRef;
  /** `sha256:<hex>` of the archive the package was made from. */
  checksum?: string;
  manifest?: PluginManifest;
  warnings?: string[];
  granted?: Permission[];
  /** What `force` went past. */
  overridden?: string;
  source?: PluginSource;
  registry?: string | null;
  verified?: boolean;
  /** Data of an earlier life of the plugin was found; undoing an install leaves it. */
  hadRemains?: boolean;
  wasEnabled?: boolean;
  stateBefore?: PluginState;
  /** It was in error before: its hooks need not succeed any more. */
  wasBroken?: boolean;
  fromVersion?: string;
  /** The settings that came with the request and are stored; gone once the operation has finished. */
  settings?: BroughtSettings;
  /** Going back to what ran before an update did not work either. */
  restoreError?: ErrorAnswer & { stack?: string };
  /** Hook errors that `force` went past. */
  hookErrors?: (ErrorAnswer & { step: string })[];
}
