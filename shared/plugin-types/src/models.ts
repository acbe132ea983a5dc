import type { Row } from './database.ts';

/** Data types of S:22.4; any case is understood. */
export const modelDataTypes = [
  'STRING',
  'TEXT',
  'INTEGER',
  'BIGINT',
  'FLOAT',
  'DOUBLE',
  'DECIMAL',
  'BOOLEAN',
  'DATE',
  'DATEONLY',
  'JSON',
  'JSONB',
  'UUID',
  'ENUM',
] as const;
export type ModelDataType = (typeof modelDataTypes)[number];

/** The platform's models that plugins may read (S:22.6). */
export const coreModelNames = [
  'User',
  'Project',
  'Risk',
  'Vendor',
  'VendorRisk',
  'Model',
  'ModelRisk',
  'Task',
  'Incident',
  'Policy',
  'Training',
  'Note',
  'File',
] as const;
export type CoreModelName = (typeof coreModelNames)[number];

export type ReferentialAction = 'CASCADE' | 'SET NULL' | 'RESTRICT' | 'NO ACTION' | 'SET DEFAULT';

/** One attribute of a model (S:22.5). */
export interface ModelAttribute {
  type: ModelDataType | (string & {});
  /** True unless given; a primary key is never null. */
  allowNull?: boolean;
  /** `NOW` (for dates) and `UUIDV4` are computed for each row. */
  defaultValue?: unknown;
  primaryKey?: boolean;
  /** For INTEGER and BIGINT. */
  autoIncrement?: boolean;
  unique?: boolean;
  /** For ENUM. */
  values?: readonly string[];
  /** A table of the plugin's own becomes a foreign key; one of the platform's (`users`) is kept as an indexed column. */
  references?: { model: string; key: string };
  onDelete?: ReferentialAction;
  onUpdate?: ReferentialAction;
}

export type ModelAttributes = Record<string, ModelAttribute>;

export interface ModelOptions {
  /** Adds `createdAt` and `updatedAt`; true unless given. */
  timestamps?: boolean;
  /** `destroy` only sets `deletedAt`, and rows that have it are not found. */
  paranoid?: boolean;
  indexes?: readonly { fields: readonly string[]; unique?: boolean; name?: string }[];
}

export type AssociationKind = 'hasOne' | 'hasMany' | 'belongsTo' | 'belongsToMany';

export interface AssociationOptions {
  foreignKey?: string;
  /** The name it is included by, and has in the answer; the other model's name unless given. */
  as?: string;
  /** For belongsToMany: the model in between, and its key to the other side. */
  through?: string;
  otherKey?: string;
}

/** Operators of `where`, by name: `{ severity: { [Op.gt]: 3 } }` is `{ severity: { gt: 3 } }`. */
export const Op = {
  eq: 'eq',
  ne: 'ne',
  gt: 'gt',
  gte: 'gte',
  lt: 'lt',
  lte: 'lte',
  in: 'in',
  notIn: 'notIn',
  like: 'like',
  iLike: 'iLike',
  between: 'between',
  and: 'and',
  or: 'or',
  is: 'is',
  not: 'not',
} as const;

/** Conditions by attribute; several are all to be met. `and` and `or` take lists of conditions. */
export type Where = Record<string, unknown>;

export interface IncludeOptions {
  /** Name of the associated model; needed where `as` is not given. */
  model?: string;
  as?: string;
  where?: Where;
  attributes?: readonly string[];
  /** With it, rows without a match are left out; true when `where` is given. */
  required?: boolean;
  include?: readonly (string | IncludeOptions)[];
}

export interface FindOptions {
  where?: Where;
  order?: readonly (string | readonly [attribute: string, direction: 'ASC' | 'DESC' | 'asc' | 'desc'])[];
  limit?: number;
  offset?: number;
  attributes?: readonly (string | readonly [fn: string, as: string])[];
  group?: readonly string[];
  include?: readonly (string | IncludeOptions)[];
  /** False finds deleted rows of a paranoid model too. */
  paranoid?: boolean;
}

/** One row, with the verbs of Sequelize's instances that plugins use. Attributes are properties of it. */
export interface ModelInstance<R extends Row = Row> {
  get(): R;
  get<Key extends keyof R>(attribute: Key): R[Key];
  set<Key extends keyof R>(attribute: Key, value: R[Key]): this;
  set(values: Partial<R>): this;
  /** Stores what was set. */
  save(): Promise<this>;
  update(values: Partial<R>): Promise<this>;
  destroy(options?: { force?: boolean }): Promise<void>;
  reload(): Promise<this>;
  toJSON(): R;
}

export type Instance<R extends Row = Row> = ModelInstance<R> & R;

/** A model that may only be read: the platform's. */
export interface ReadableModel<R extends Row = Row> {
  readonly name: string;
  findAll(options?: FindOptions): Promise<Instance<R>[]>;
  findOne(options?: FindOptions): Promise<Instance<R> | null>;
  findByPk(key: string | number, options?: FindOptions): Promise<Instance<R> | null>;
  findAndCountAll(options?: FindOptions): Promise<{ rows: Instance<R>[]; count: number }>;
  count(options?: FindOptions): Promise<number>;
  max(attribute: string, options?: FindOptions): Promise<unknown>;
  min(attribute: string, options?: FindOptions): Promise<unknown>;
  sum(attribute: string, options?: FindOptions): Promise<number>;
}

/** A model of the plugin's own. */
export interface PluginModel<R extends Row = Row> extends ReadableModel<R> {
  create(values: Partial<R>): Promise<Instance<R>>;
  /** All or none. */
  bulkCreate(rows: readonly Partial<R>[], options?: { ignoreDuplicates?: boolean }): Promise<Instance<R>[]>;
  findOrCreate(options: { where: Where; defaults?: Partial<R> }): Promise<[Instance<R>, created: boolean]>;
  /** Answers how many rows were changed. `where` is needed. */
  update(values: Partial<R>, options: { where: Where }): Promise<[affected: number]>;
  /** By primary key or a unique attribute. */
  upsert(values: Partial<R>): Promise<[Instance<R>, created: boolean | null]>;
  /** Answers how many rows. `where` is needed, or `truncate` for all of them. */
  destroy(options: { where?: Where; truncate?: boolean; force?: boolean }): Promise<number>;
  increment(attributes: string | readonly string[], options: { by?: number; where: Where }): Promise<number>;
}

/**
 * Tables of the plugin's own, said as models (S:22). Defining needs `models:define`, storing `database:write`.
 * A model `AuditLog` of `audit-trail` is the table `plugin_audit_trail_audit_log`. Definitions are kept: a model defined in
 * `onInstall` is there again in every later life of the plugin.
 * What is wrong in a definition or a call has code `MODEL_INVALID`.
 */
export interface ModelApi {
  define<R extends Row = Row>(name: string, attributes: ModelAttributes, options?: ModelOptions): PluginModel<R>;
  /** Throws with code `MODEL_INVALID` when there is no such model. */
  get<R extends Row = Row>(name: string): PluginModel<R>;
  /** One of the platform's, this tenant's rows only; null where the host offers none. Needs `database:read`. */
  getCoreModel<R extends Row = Row>(name: CoreModelName | (string & {})): ReadableModel<R> | null;
  associate(source: string, kind: AssociationKind, target: string, options?: AssociationOptions): void;
  /** Creates what is missing; `alter` adds missing columns too, `force` drops and creates anew. */
  sync(options?: { force?: boolean; alter?: boolean }): Promise<void>;
  /** Drops the tables of all models, and forgets the definitions. */
  dropAll(): Promise<void>;
  list(): string[];
  has(name: string): boolean;
}
