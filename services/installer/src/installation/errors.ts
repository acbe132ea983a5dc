import { needsInWords, PlatformError, type DependencyNeed, type ErrorAnswer } from '@verifywise/contracts';
import type { Requirement } from './dependencies.ts';
import type { InstalledRecord } from './installed-plugin.ts';
import type { OperationInput } from './progress.ts';

type Installed = Pick<InstalledRecord, 'pluginId' | 'version' | 'previous'>;

const UPLOAD_NEWER =
  'give the new package a higher version in its manifest.json and upload it (POST /api/plugins/upload)';

export class PluginNotInstalledError extends PlatformError {
  constructor(pluginId: string) {
    super('PLUGIN_NOT_INSTALLED', `Plugin ${pluginId} is not installed; install it first (POST /api/plugins/install)`);
  }
}

export class AlreadyInstalledError extends PlatformError {
  constructor(
    { pluginId, version, previous }: Installed,
    { version: asked, uploaded }: Pick<OperationInput, 'version' | 'uploaded'>,
  ) {
    const path = `/api/plugins/${pluginId}`;
    if (uploaded !== undefined) {
      const anew = `POST ${path}/uninstall, and upload it then, to replace ${version} by other files of the same version`;
      super('ALREADY_INSTALLED', `Plugin ${pluginId} ${version} is installed already: ${UPLOAD_NEWER}; ${anew}`);
      return;
    }
    const other = asked === undefined || asked === version ? '' : `, and ${asked} was asked for`;
    const back = previous === null ? '' : `, POST ${path}/rollback goes back to ${previous.version}`;
    super(
      'ALREADY_INSTALLED',
      `Plugin ${pluginId} ${version} is installed already${other}; POST ${path}/update takes another version${back}`,
    );
  }
}

export class NothingToUpdateError extends PlatformError {
  constructor(
    { pluginId, version, previous }: Installed,
    found: {
      version: string;
      older: boolean;
      input: Pick<OperationInput, 'version' | 'uploaded'>;
      heldBack?: { version: string; reason: string } | undefined;
    },
  ) {
    const { version: asked, older, input, heldBack } = found;
    const newest = input.version === undefined && input.uploaded === undefined;
    const at = `Plugin ${pluginId} is at ${version}`;
    if (!older) {
      const there = heldBack === undefined ? 'there is' : `that runs here; of ${heldBack.version}: ${heldBack.reason}`;
      super('NOTHING_TO_UPDATE', `${at} already${newest ? `, the newest version ${there}` : ''}`);
      return;
    }
    const ways = [
      ...(previous === null ? [] : [`POST /api/plugins/${pluginId}/rollback goes back to ${previous.version}`]),
      // An upload has no `force`.
      ...(input.uploaded === undefined ? [`force: true takes ${asked} all the same`] : []),
    ];
    const next = ways.length === 0 ? `uninstall ${version} first to take it` : ways.join(', ');
    super('NOTHING_TO_UPDATE', `${at}, and ${newest ? `the newest to be had, ${asked},` : asked} is older; ${next}`);
  }
}

export class NothingToRollBackError extends PlatformError {
  constructor(pluginId: string) {
    super('NOTHING_TO_ROLL_BACK', `No earlier version of ${pluginId} is kept; an update keeps one`);
  }
}

/** Our registries do not know what an admin has uploaded. */
export class OnlyByUploadError extends PlatformError {
  constructor({ pluginId, version }: Installed) {
    super(
      'NOTHING_TO_UPDATE',
      `Plugin ${pluginId} ${version} was uploaded and no registry has it, so there is nothing to fetch: ${UPLOAD_NEWER}`,
    );
  }
}

export class DependenciesMissingError extends PlatformError {
  constructor(pluginId: string, missing: Requirement[]) {
    const list = missing.map(({ id, range, problem }) => `${id} ${range} (${problem})`).join(', ');
    super('DEPENDENCIES_MISSING', `Plugin ${pluginId} needs ${list}; withDependencies: true sees to it`, {
      details: { missing },
    });
  }
}

/** What others need of a plugin would no longer be there. */
export class DependentsConflictError extends PlatformError {
  constructor(pluginId: string, version: string, needs: DependencyNeed[]) {
    const wanted = needsInWords(pluginId, needs);
    super(
      'DEPENDENCY_CONFLICT',
      `${wanted}, and ${pluginId} would be ${version}; update what needs it first, or force: true goes on all the same`,
      { details: { pluginId, version, needs } },
    );
  }
}

export class DependentsExistError extends PlatformError {
  constructor(pluginId: string, dependents: string[]) {
    super(
      'DEPENDENTS_EXIST',
      `${dependents.join(', ')} depends on ${pluginId}; with cascade: true it is uninstalled as well`,
      { details: { dependents } },
    );
  }
}

/** What a plugin requires has no value. */
export class ConfigMissingError extends PlatformError {
  private constructor(pluginId: string, missingConfig: string[], when: string) {
    super('CONFIG_MISSING', `Plugin ${pluginId} needs values for ${missingConfig.join(', ')} ${when}`, {
      details: { missingConfig },
    });
  }

  static toEnable(pluginId: string, missing: string[]): ConfigMissingError {
    const how = `save them (PUT /api/plugins/${pluginId}/config)`;
    return new ConfigMissingError(pluginId, missing, `before it can be enabled; ${how}`);
  }

  static whileEnabled(pluginId: string, missing: string[]): ConfigMissingError {
    const how = `give it others, or disable it first (POST /api/plugins/${pluginId}/disable)`;
    return new ConfigMissingError(pluginId, missing, `as long as it is enabled; ${how}`);
  }

  /** The settings page is still that of the version before, so they come with the request. */
  static inVersion(pluginId: string, version: string, missing: string[]): ConfigMissingError {
    const how = `give them in \`config\` of this request, or disable it first (POST /api/plugins/${pluginId}/disable)`;
    return new ConfigMissingError(pluginId, missing, `to go on working as ${version}; ${how}`);
  }
}

export class PermissionsNotAcceptedError extends PlatformError {
  constructor(pluginId: string, notAccepted: string[]) {
    super(
      'PERMISSIONS_NOT_ACCEPTED',
      `Plugin ${pluginId} asks for ${notAccepted.join(', ')}; name them in acceptedPermissions to agree`,
      { details: { notAccepted } },
    );
  }
}

export class IncompatibleError extends PlatformError {
  constructor(pluginId: string, version: string, reason: string) {
    super('INCOMPATIBLE', `${pluginId} ${version} cannot run here: ${reason}`);
  }
}

/** A lifecycle hook of the plugin threw, or its isolate could not run it. The runner's message names hook and plugin. */
export class HookError extends PlatformError {
  readonly pluginStack?: string;

  constructor(error: ErrorAnswer & { stack?: string }) {
    super(error.code, error.message, { details: error.details });
    if (error.stack !== undefined) this.pluginStack = error.stack;
  }
}
