import { PlatformError } from '@verifywise/contracts';
import type { ErrorAnswer } from '@verifywise/contracts';
import type { Requirement } from './dependencies.ts';

export class PluginNotInstalledError extends PlatformError {
  constructor(pluginId: string) {
    super('PLUGIN_NOT_INSTALLED', `Plugin ${pluginId} is not installed`);
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
