import type { CheckedAssociation } from '../../isolate/models/association.ts';
import { refuseUnknown } from '../../isolate/models/definition.ts';
import { isRecord } from '../../isolate/record.ts';
import { ModelInvalidError, listed } from '../../isolate/models/invalid.ts';
import { shown } from '../../isolate/models/names.ts';
import { quoted } from '../quoted.ts';
import { conditions } from './conditions.ts';
import type { Model, ModelSet } from './model.ts';
import { column, known, relation } from './model.ts';
import type { StatementValues } from './statement-values.ts';

const OPTIONS = ['model', 'association', 'as', 'where', 'attributes', 'required', 'order', 'paranoid', 'include'];
/** Each is a statement of its own. */
const MOST_INCLUDES = 25;

/** One associated model that is asked for with the rows of another. */
export interface Include {
  as: string;
  association: CheckedAssociation;
  target: Model;
  /** Of belongsToMany. */
  through: Model | undefined;
  /** The attribute of the source's rows whose value finds the target's rows. */
  sourceKey: string;
  /** The attribute by which the target's rows (or those in between) are found. */
  foundBy: string;
  /** One row or none, instead of a list. */
  single: boolean;
  required: boolean;
  options: { where?: unknown; attributes?: unknown; order?: unknown; paranoid?: unknown };
  include: Include[];
}

/** `include` of one call, with every name found. */
export function includesOf(set: ModelSet, source: Model, include: unknown): Include[] {
  let count = 0;
  const read = (from: Model, wanted: unknown): Include[] => {
    if (wanted === undefined) return [];
    return (Array.isArray(wanted) ? wanted : [wanted]).map((one: unknown) => {
      if ((count += 1) > MOST_INCLUDES)
        throw new ModelInvalidError(`More than ${MOST_INCLUDES} models are included at once`);
      const said = typeof one === 'string' ? { as: one } : one;
      if (!isRecord(said))
        throw new ModelInvalidError(`include of ${from.name} is ${shown(one)}; it is the name of an association`);
      refuseUnknown(said, OPTIONS, `An include of ${from.name}`);
      const found = resolved(set, from, said);
      return { ...found, include: read(found.target, said.include) };
    });
  };
  return read(source, include);
}

function resolved(set: ModelSet, source: Model, said: Record<string, unknown>): Omit<Include, 'include'> {
  const association = associationOf(set, source, said);
  const { kind, options } = association;
  const target = set.named(association.target);
  const through = options.through === undefined ? undefined : set.named(options.through);
  const holder = kind === 'belongsTo' ? source : (through ?? target);
  known(holder, options.foreignKey);
  if (through) known(through, options.otherKey);
  const belongs = kind === 'belongsTo';
  const { where, attributes, order, paranoid } = said;
  return {
    ...{ as: options.as, association, target, through },
    sourceKey: belongs ? options.foreignKey : onlyKey(source),
    foundBy: belongs ? onlyKey(target) : options.foreignKey,
    single: belongs || kind === 'hasOne',
    required: said.required === undefined ? where !== undefined : said.required === true,
    options: { where, attributes, order, paranoid },
  };
}

function associationOf(set: ModelSet, source: Model, { model, association, as }: Record<string, unknown>) {
  const all = set.associations.filter((candidate) => set.named(candidate.source) === source);
  const name = as ?? association;
  const found = all.filter(({ options, target }) =>
    name === undefined ? target === model : options.as === name && (model === undefined || target === model),
  );
  // A model's name alone will do where it can only mean one thing.
  const byTarget = found.length === 0 ? all.filter(({ target }) => target === name) : found;
  const [only] = byTarget;
  if (only && byTarget.length === 1) return only;
  const names = listed(all.map(({ options }) => options.as));
  const asked = shown(name ?? model);
  throw new ModelInvalidError(
    byTarget.length > 1
      ? `${source.name} includes ${asked} in more than one way (${names}); say which with "as"`
      : `${source.name} has no association ${asked}; it has: ${names}`,
  );
}

export function onlyKey(model: Model): string {
  const [key] = model.primaryKey;
  if (key === undefined || model.primaryKey.length > 1) {
    throw new ModelInvalidError(`${model.name} has not one attribute as primary key, so it cannot be associated by it`);
  }
  return key;
}

/** Rows of the source that have what a required include asks for. */
export function existence(include: Include, sourcePrefix: string, values: StatementValues): string {
  const { target, through, association, sourceKey, foundBy } = include;
  const prefix = quoted(values.alias());
  const sourceColumn = `${sourcePrefix}.${quoted(sourceKey)}`;
  const asked = [
    conditions({ model: target, prefix, values }, include.options.where),
    alive(target, prefix, include.options.paranoid),
    ...include.include.filter(({ required }) => required).map((nested) => existence(nested, prefix, values)),
  ];
  if (!through) {
    const found = `${column(target, foundBy, prefix)} = ${sourceColumn}`;
    return `EXISTS (SELECT 1 FROM ${relation(target)} ${prefix} WHERE ${all([found, ...asked])})`;
  }
  const between = quoted(values.alias());
  const join = `${column(through, association.options.otherKey, between)} = ${column(target, onlyKey(target), prefix)}`;
  const found = `${column(through, foundBy, between)} = ${sourceColumn}`;
  const both = `${relation(through)} ${between} JOIN ${relation(target)} ${prefix} ON ${join}`;
  return `EXISTS (SELECT 1 FROM ${both} WHERE ${all([found, alive(through, between, undefined), ...asked])})`;
}

/** Rows that a paranoid model has not put away. */
export function alive(model: Model, prefix: string, paranoid: unknown): string | undefined {
  return model.paranoid && paranoid !== false ? `${column(model, 'deletedAt', prefix)} IS NULL` : undefined;
}

export function all(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join(' AND ') || 'TRUE';
}
