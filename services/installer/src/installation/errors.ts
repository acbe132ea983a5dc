import { PlatformError } from '@verifywise/contracts';
import type { ErrorAnswer } from '@verifywise/contracts';
import type { Requirement } from './dependencies.ts';
import type { InstalledRecord } from './installed-plugin.ts';
import type { OperationInput } from './progress.ts';

type Installed = Pick<InstalledRecord, 'pluginId' | 'version' | 'previous'>;

export class PluginNotInstalledError extends PlatformError {
  constructor(pluginId: string) {
    super('PLUGIN_NOT_INSTALLED', `Plugin ${pluginId} is not installed; install it first (POST /api/plugins/install)`);
  }
}

export class AlreadyInstalledError extends PlatformError {
  constructor({ pluginId, version, previous }: Installed, asked: string | undefined) {
    const path = `/api/plugins/${pluginId}`;
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
    found: { version: string; older: boolean; input: Pick<OperationInput, 'version' | 'uploaded'> },
  ) {
    const { version: asked, older, input } = found;
    const newest = input.version === undefined && input.uploaded === undefined;
    const at = `Plugin ${pluginId} is at ${version}`;
    if (!older) {
      super('NOTHING_TO_UPDATE', `${at} already${newest ? ', the newest version there is' : ''}`);
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

export class DependenciesMissingError extends PlatformError {
  constructor(pluginId: string, missing: Requirement[]) {
    const list = missing.map(({ id, range, problem }) => `${id} ${range} (${problem})`).join(', ');
    super('DEPENDENCIES_MISSING', `Plugin ${pluginId} needs ${list}; withDependencies: true sees to it`, {
      details: { missing },
    });
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

export class ConfigMissingError extends PlatformError {
  constructor(pluginId: string, missingConfig: string[]) {
    super(
      'CONFIG_MISSING',
      `Plugin ${pluginId} needs values for ${missingConfig.join(', ')} before it can be enabled`,
      {
        details: { missingConfig },
      },
    );
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

/** A lifecycle hook of the plugin threw, or its isolate could not run it. */
export class HookError extends PlatformError {
  readonly pluginStack?: string;

  constructor(hook: string, error: ErrorAnswer & { stack?: string }) {
    super(error.code, `${hook}: ${error.message}`, { details: error.details });
    if (error.stack !== undefined) this.pluginStack = error.stack;
  }
}
