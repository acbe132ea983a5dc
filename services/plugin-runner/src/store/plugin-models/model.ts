import type { ModelAttribute } from '@verifywise/plugin-types';
import type { CheckedAssociation } from '../../isolate/models/association.ts';
import { ModelInvalidError, listed } from '../../isolate/models/invalid.ts';
import { shown } from '../../isolate/models/names.ts';
import { tableName } from '../../isolate/models/table-name.ts';
import type { ModelDefinition } from '../../isolate/protocol.ts';
import type { CoreModelView } from '../plugin-database/core-views.ts';
import { quoted } from '../quoted.ts';

/** A model as statements are made from it, the plugin's own or the platform's. */
export interface Model {
  of: 'own' | 'core';
  name: string;
  /** Its name among TypeORM's entities. */
  entity: string;
  schema: string | undefined;
  table: string;
  /** Of the platform's models only what changes how a value is written. */
  attributes: Record<string, ModelAttribute | null>;
  primaryKey: string[];
  timestamps: boolean;
  paranoid: boolean;
  indexes: NonNullable<ModelDefinition['options']['indexes']>;
}

/** All models one plugin may ask for, as they are at one moment. */
export class ModelSet {
  readonly models: readonly Model[];
  readonly associations: readonly CheckedAssociation[];

  constructor(models: readonly Model[], associations: readonly CheckedAssociation[]) {
    this.models = models;
    this.associations = associations;
  }

  find(of: 'own' | 'core', name: string): Model {
    const model = this.models.find((candidate) => candidate.of === of && candidate.name === name);
    if (model) return model;
    const known = this.models.filter((candidate) => candidate.of === of).map((candidate) => candidate.name);
    throw new ModelInvalidError(`There is no model ${shown(name)}; there are: ${listed(known)}`);
  }

  /** Of two with the same name the plugin's own. */
  named(name: string): Model {
    const own = this.models.find((candidate) => candidate.of === 'own' && candidate.name === name);
    return own ?? this.find('core', name);
  }

  get own(): Model[] {
    return this.models.filter(({ of }) => of === 'own');
  }
}

export function ownModel(pluginId: string, { name, attributes, options }: ModelDefinition): Model {
  return {
    of: 'own',
    name,
    entity: `own:${name}`,
    schema: undefined,
    table: tableName(pluginId, name),
    attributes,
    primaryKey: Object.keys(attributes).filter((key) => attributes[key]?.primaryKey),
    timestamps: options.timestamps === true,
    paranoid: options.paranoid === true,
    indexes: options.indexes ?? [],
  };
}

export function coreModel({ name, columns, schema, view }: CoreModelView): Model {
  const names = columns.map((column) => column.name);
  return {
    of: 'core',
    name,
    entity: `core:${name}`,
    schema,
    table: view,
    attributes: Object.fromEntries(columns.map((column) => [column.name, attributeOf(column.type)])),
    primaryKey: names.includes('id') ? ['id'] : names.slice(0, 1),
    timestamps: false,
    paranoid: false,
    indexes: [],
  };
}

function attributeOf(type: string): ModelAttribute | null {
  if (type === 'json' || type === 'jsonb') return { type: 'JSONB' };
  if (type === 'date') return { type: 'DATEONLY' };
  return type.startsWith('timestamp') ? { type: 'DATE' } : null;
}

/** The name as SQL; throws MODEL_INVALID for what is no attribute, so that no text of a plugin ever reaches a statement. */
export function column(model: Model, attribute: unknown, prefix: string): string {
  return `${prefix}.${quoted(known(model, attribute))}`;
}

/** The same name again, once it is sure to be an attribute. */
export function known(model: Model, attribute: unknown): string {
  if (typeof attribute === 'string' && Object.hasOwn(model.attributes, attribute)) return attribute;
  throw new ModelInvalidError(
    `${model.name} has no attribute ${shown(attribute)}; it has: ${listed(Object.keys(model.attributes))}`,
  );
}

/** The table as SQL. */
export function relation({ schema, table }: Model): string {
  return schema === undefined ? quoted(table) : `${quoted(schema)}.${quoted(table)}`;
}
