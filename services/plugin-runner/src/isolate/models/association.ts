import type { AssociationKind, AssociationOptions, ModelAttribute } from '@verifywise/plugin-types';
import type { CoreModel, ModelAssociation, ModelDefinition } from '../protocol.ts';
import { isRecord } from '../record.ts';
import { checkedDefinition, refuseUnknown } from './definition.ts';
import { ModelInvalidError, listed } from './invalid.ts';
import { checkAttributeName, checkModelName, shown } from './names.ts';
import { camelCase } from './table-name.ts';

const KINDS: AssociationKind[] = ['hasOne', 'hasMany', 'belongsTo', 'belongsToMany'];

/** The models an association may join. Of two with the same name the plugin's own is meant. */
export interface KnownModels {
  own(name: string): ModelDefinition | undefined;
  core(name: string): CoreModel | undefined;
}

/** An association as it is kept: every name said. */
export interface CheckedAssociation extends ModelAssociation {
  options: { foreignKey: string; as: string; through?: string; otherKey?: string };
}

/** Throws MODEL_INVALID saying what is wrong. */
export function checkedAssociation(known: KnownModels, association: ModelAssociation): CheckedAssociation {
  const { source, target } = association;
  const kind = KINDS.find((name) => name === association.kind);
  if (!kind)
    throw new ModelInvalidError(`A model cannot be associated by ${shown(association.kind)}; use ${listed(KINDS)}`);
  for (const name of [source, target]) {
    checkModelName(name);
    if (!known.own(name) && !known.core(name)) {
      throw new ModelInvalidError(`${source} ${kind} ${target}: there is no model ${name}; define it first`);
    }
  }
  const options: AssociationOptions = isRecord(association.options) ? association.options : {};
  const where = `${source} ${kind} ${target}`;
  refuseUnknown(options, ['foreignKey', 'as', 'through', 'otherKey'], where);
  const { as = target, through } = options;
  checkAttributeName(as, `What ${where} is included by`);
  if (attributesOf(known, source).includes(as)) {
    throw new ModelInvalidError(
      `${where}: ${source} has an attribute ${as}; give the association another name with "as"`,
    );
  }
  const { foreignKey = `${camelCase(kind === 'belongsTo' ? as : source)}Id` } = options;
  checkAttributeName(foreignKey, `The foreign key of ${where}`);
  if (kind !== 'belongsToMany') {
    if (through !== undefined) throw new ModelInvalidError(`${where}: through is for belongsToMany`);
    return { source, kind, target, options: { foreignKey, as } };
  }
  if (through === undefined) throw new ModelInvalidError(`${where} needs through: the name of the model in between`);
  checkModelName(through);
  const { otherKey = `${camelCase(target)}Id` } = options;
  checkAttributeName(otherKey, `The other key of ${where}`);
  if (otherKey === foreignKey) throw new ModelInvalidError(`${where} needs two different keys; say otherKey`);
  return { source, kind, target, options: { foreignKey, as, through, otherKey } };
}

/** The model that has the foreign key of an association. */
export function keyHolder({ kind, source, target, options }: CheckedAssociation): string {
  if (kind === 'belongsToMany') return options.through as string;
  return kind === 'belongsTo' ? source : target;
}

/**
 * The model that holds the association's foreign keys, with those that its author left out; nothing when it has them all.
 * Throws MODEL_INVALID when it is one of the platform's and has them not.
 */
export function withForeignKeys(
  pluginId: string,
  known: KnownModels,
  association: CheckedAssociation,
): ModelDefinition | undefined {
  const { kind, source, target, options } = association;
  const holder = keyHolder(association);
  const keys: Record<string, ModelAttribute> = {
    [options.foreignKey]: foreignKeyTo(known, kind === 'belongsTo' ? target : source, kind),
    ...(options.otherKey === undefined ? {} : { [options.otherKey]: foreignKeyTo(known, target, kind) }),
  };
  const definition = known.own(holder);
  if (!definition && !known.core(holder)) {
    const both = Object.entries(keys).map(([key, attribute]) => [key, { ...attribute, primaryKey: true }]);
    return checkedDefinition(pluginId, holder, Object.fromEntries(both));
  }
  const missing = Object.keys(keys).filter((key) => !attributesOf(known, holder).includes(key));
  if (missing.length === 0) return undefined;
  if (!definition) {
    throw new ModelInvalidError(
      `${source} ${kind} ${target}: ${holder} is the platform's and has no ${listed(missing)}`,
    );
  }
  const added = Object.fromEntries(missing.map((key) => [key, keys[key] as ModelAttribute]));
  return checkedDefinition(pluginId, holder, { ...definition.attributes, ...added }, definition.options);
}

function foreignKeyTo(known: KnownModels, model: string, kind: AssociationKind): ModelAttribute {
  const definition = known.own(model);
  const [key, attribute] = Object.entries(definition?.attributes ?? {}).find(([, { primaryKey }]) => primaryKey) ?? [
    known.core(model)?.attributes[0] ?? 'id',
    { type: 'INTEGER' },
  ];
  return {
    type: attribute.type,
    ...(attribute.values ? { values: attribute.values } : {}),
    references: { model, key },
    onDelete: kind === 'belongsToMany' ? 'CASCADE' : 'SET NULL',
    onUpdate: 'CASCADE',
  };
}

function attributesOf(known: KnownModels, model: string): string[] {
  const own = known.own(model);
  return own ? Object.keys(own.attributes) : (known.core(model)?.attributes ?? []);
}
