import type { Installation } from '@verifywise/contracts';
import { PlatformError } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';
import type { ModelAssociation, ModelDefinition } from '../isolate/protocol.ts';
import { permissionDenied } from '../permission-denied.ts';
import type { ModelCapabilities } from './capabilities.ts';

/** The models of one plugin of one tenant; nothing here asks what is granted. */
export interface ModelRoom {
  define(definition: ModelDefinition): Promise<void>;
  associate(association: ModelAssociation): Promise<void>;
  sync(options: { force?: boolean; alter?: boolean }): Promise<void>;
  dropAll(): Promise<void>;
  /** Whether the verb leaves everything as it is. */
  reads(verb: string): boolean;
  run(of: 'own' | 'core', model: string, verb: string, args: unknown[]): Promise<unknown>;
}

/** `context.models`: defining needs `models:define`, changing tables and rows `database:write`, the platform's models `database:read`. */
export function modelCapabilities(installation: () => Installation, models: ModelRoom): ModelCapabilities {
  const need = (...any: [Permission, ...Permission[]]) => {
    const { granted, pluginId } = installation();
    if (any.some((permission) => granted.includes(permission))) return;
    throw permissionDenied(pluginId, any[0]);
  };
  return {
    'models.define': async (definition) => {
      need('models:define');
      await models.define(definition);
      return null;
    },
    'models.associate': async (association) => {
      need('models:define');
      await models.associate(association);
      return null;
    },
    'models.sync': async (options) => {
      need('models:define');
      need('database:write');
      await models.sync({ force: options.force === true, alter: options.alter === true });
      return null;
    },
    'models.dropAll': async () => {
      need('models:define');
      need('database:write');
      await models.dropAll();
      return null;
    },
    'models.run': async (of, model, verb, args) => {
      const reads = models.reads(verb);
      if (of === 'core') {
        need('database:read');
        if (!reads) throw new PlatformError('MODEL_INVALID', `${model} is the platform's and may only be read`);
      } else if (reads) need('database:read', 'database:write');
      else need('database:write');
      return models.run(of, model, verb, args);
    },
  };
}
