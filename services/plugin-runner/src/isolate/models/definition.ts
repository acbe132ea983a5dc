import type { ModelAttribute, ModelDataType, ModelOptions, ReferentialAction } from '@verifywise/plugin-types';
import { modelDataTypes } from '@verifywise/plugin-types';
import type { ModelDefinition } from '../protocol.ts';
import { isRecord } from '../record.ts';
import { checkDefault } from './default-value.ts';
import { ModelInvalidError, listed } from './invalid.ts';
import { checkAttributeName, checkModelName, shown } from './names.ts';
import { tableName } from './table-name.ts';

const OPTIONS = ['timestamps', 'paranoid', 'indexes'];
const ATTRIBUTE_OPTIONS = [
  ...['type', 'allowNull', 'defaultValue', 'primaryKey', 'autoIncrement', 'unique', 'values'],
  ...['references', 'onDelete', 'onUpdate'],
];
const ACTIONS: ReferentialAction[] = ['CASCADE', 'SET NULL', 'RESTRICT', 'NO ACTION', 'SET DEFAULT'];
/** The name of a model or of a table. */
const REFERRED = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** PostgreSQL allows 1 600 columns; whoever needs more than this needs another table. */
const MOST_ATTRIBUTES = 250;

/** The definition as it is kept: types in capitals, `id` and timestamps said. Throws MODEL_INVALID saying what is wrong where. */
export function checkedDefinition(
  pluginId: string,
  name: unknown,
  attributes: unknown,
  options: unknown = {},
): ModelDefinition {
  checkModelName(name);
  tableName(pluginId, name);
  if (!isRecord(attributes)) {
    throw new ModelInvalidError(`The model ${name} needs its attributes: { title: { type: 'STRING' } }`);
  }
  if (!isRecord(options)) throw new ModelInvalidError(`The options of the model ${name} are no object`);
  refuseUnknown(options, OPTIONS, `The model ${name}`);
  for (const flag of ['timestamps', 'paranoid']) checkFlag(options[flag], flag, `The model ${name}`);
  const { timestamps = true, paranoid = false } = options as ModelOptions;
  if (paranoid && !timestamps) throw new ModelInvalidError(`The model ${name} is paranoid, which needs timestamps`);

  const said = Object.fromEntries(
    Object.entries(attributes).map(([attribute, definition]) => [
      attribute,
      checkedAttribute(`${name}.${attribute}`, attribute, definition),
    ]),
  );
  const hasKey = Object.values(said).some(({ primaryKey }) => primaryKey);
  if (!hasKey && said.id) throw new ModelInvalidError(`${name}.id is there, but no primary key; say primaryKey: true`);
  if (Object.values(said).filter(({ autoIncrement }) => autoIncrement).length > 1) {
    throw new ModelInvalidError(`The model ${name} has more than one attribute with autoIncrement`);
  }
  const all = {
    ...(hasKey ? {} : { id: { type: 'INTEGER', primaryKey: true, autoIncrement: true, allowNull: false } }),
    ...said,
    ...(timestamps ? timestampAttributes(name, said, paranoid) : {}),
  };
  if (Object.keys(all).length > MOST_ATTRIBUTES) {
    throw new ModelInvalidError(`The model ${name} has more than ${MOST_ATTRIBUTES} attributes`);
  }
  return {
    name,
    attributes: all,
    options: { timestamps, paranoid, indexes: checkedIndexes(name, all, options.indexes) },
  };
}

function checkedAttribute(where: string, name: string, definition: unknown): ModelAttribute {
  checkAttributeName(name, 'An attribute');
  if (!isRecord(definition)) throw new ModelInvalidError(`${where} needs a type: { type: 'STRING' }`);
  refuseUnknown(definition, ATTRIBUTE_OPTIONS, where);
  const said = definition as Partial<ModelAttribute>;
  const type = checkedType(where, said.type);
  for (const flag of ['allowNull', 'primaryKey', 'autoIncrement', 'unique']) checkFlag(definition[flag], flag, where);
  const { primaryKey = false, autoIncrement = false } = said;
  if (primaryKey && said.allowNull === true)
    throw new ModelInvalidError(`${where} is a primary key and cannot be null`);
  if (autoIncrement && type !== 'INTEGER' && type !== 'BIGINT') {
    throw new ModelInvalidError(`${where} is ${type}; autoIncrement is for INTEGER and BIGINT`);
  }
  if (autoIncrement && said.defaultValue !== undefined) {
    throw new ModelInvalidError(`${where} has autoIncrement and a defaultValue; say one of them`);
  }
  const values = checkedValues(where, type, said.values);
  checkDefault(where, type, values, said.defaultValue);
  return {
    type,
    ...(primaryKey || said.allowNull === false ? { allowNull: false } : {}),
    ...(said.defaultValue === undefined ? {} : { defaultValue: storable(said.defaultValue) }),
    ...(primaryKey ? { primaryKey } : {}),
    ...(autoIncrement ? { autoIncrement } : {}),
    ...(said.unique ? { unique: true } : {}),
    ...(values ? { values } : {}),
    ...checkedReference(where, said),
  };
}

/** Definitions are kept as JSON. */
function storable(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Date ? value.toISOString() : value;
}

function checkedType(where: string, type: unknown): ModelDataType {
  const upper = typeof type === 'string' ? type.trim().toUpperCase() : '';
  const known = modelDataTypes.find((name) => name === upper);
  if (!known) {
    throw new ModelInvalidError(`${where} has the type ${shown(type)}, which is none of ${listed(modelDataTypes)}`);
  }
  return known;
}

function checkedValues(where: string, type: ModelDataType, values: unknown): string[] | undefined {
  if (type !== 'ENUM') {
    if (values !== undefined) throw new ModelInvalidError(`${where} is ${type}; values are for ENUM`);
    return undefined;
  }
  if (!Array.isArray(values) || values.length === 0 || !values.every((value) => typeof value === 'string')) {
    throw new ModelInvalidError(
      `${where} is an ENUM and needs its values: { type: 'ENUM', values: ['open', 'closed'] }`,
    );
  }
  if (new Set(values).size < values.length) throw new ModelInvalidError(`${where} has a value twice`);
  return [...values];
}

function checkedReference(where: string, { references, onDelete, onUpdate }: Partial<ModelAttribute>) {
  if (references === undefined) {
    if (onDelete === undefined && onUpdate === undefined) return {};
    throw new ModelInvalidError(`${where} has onDelete or onUpdate, but references nothing`);
  }
  const { model, key = 'id' } = isRecord(references) ? references : {};
  if (typeof model !== 'string' || !REFERRED.test(model) || typeof key !== 'string') {
    throw new ModelInvalidError(`${where} references nothing that can be found; say { model: 'users', key: 'id' }`);
  }
  checkAttributeName(key, `The key that ${where} references`);
  return {
    references: { model, key },
    ...(onDelete === undefined ? {} : { onDelete: checkedAction(`${where}.onDelete`, onDelete) }),
    ...(onUpdate === undefined ? {} : { onUpdate: checkedAction(`${where}.onUpdate`, onUpdate) }),
  };
}

function checkedAction(where: string, action: unknown): ReferentialAction {
  const upper = typeof action === 'string' ? action.trim().toUpperCase() : '';
  const known = ACTIONS.find((name) => name === upper);
  if (!known) throw new ModelInvalidError(`${where} is ${shown(action)}, which is none of ${listed(ACTIONS)}`);
  return known;
}

function timestampAttributes(model: string, said: Record<string, ModelAttribute>, paranoid: boolean) {
  const stamps: Record<string, ModelAttribute> = {
    createdAt: { type: 'DATE', allowNull: false, defaultValue: 'NOW' },
    updatedAt: { type: 'DATE', allowNull: false, defaultValue: 'NOW' },
    ...(paranoid ? { deletedAt: { type: 'DATE' } } : {}),
  };
  for (const name of Object.keys(stamps)) {
    if (said[name] && said[name].type !== 'DATE') {
      throw new ModelInvalidError(`${model}.${name} must be of type DATE, because the platform keeps it`);
    }
  }
  return stamps;
}

function checkedIndexes(model: string, attributes: Record<string, ModelAttribute>, indexes: unknown = []) {
  if (!Array.isArray(indexes)) throw new ModelInvalidError(`The indexes of the model ${model} are no list`);
  return indexes.map((index: unknown) => {
    const { fields, unique = false, name } = isRecord(index) ? index : {};
    if (isRecord(index)) refuseUnknown(index, ['fields', 'unique', 'name'], `An index of the model ${model}`);
    if (!Array.isArray(fields) || fields.length === 0) {
      throw new ModelInvalidError(`An index of the model ${model} needs its fields: { fields: ['userId'] }`);
    }
    const strange = fields.find((field) => typeof field !== 'string' || !Object.hasOwn(attributes, field)) as unknown;
    if (strange !== undefined) {
      throw new ModelInvalidError(
        `An index of the model ${model} names ${shown(strange)}, which is no attribute of it`,
      );
    }
    checkFlag(unique, 'unique', `An index of the model ${model}`);
    if (name !== undefined) checkAttributeName(name, `An index of the model ${model}`);
    return { fields: fields as string[], ...(unique ? { unique: true } : {}), ...(name === undefined ? {} : { name }) };
  });
}

function checkFlag(value: unknown, name: string, where: string): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw new ModelInvalidError(`${where} has ${name}: ${shown(value)}; it is true or false`);
  }
}

export function refuseUnknown(said: object, known: readonly string[], where: string): void {
  const unknown = Object.keys(said).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw new ModelInvalidError(`${where} has the unknown option ${listed(unknown)}; known are ${listed(known)}`);
  }
}
