import type { Row } from './database.ts';

/**
 * Data types of S:22.4; any case is understood. Values are what Sequelize makes of them: STRING holds 255 characters, BIGINT and DECIMAL
 * are text ('12.50'), DATE is a `Date` with milliseconds, DATEONLY is 'YYYY-MM-DD', an ENUM is text that must be one of its `values`.
 */
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

/** What becomes of a row whose referred row is deleted or changes its key. */
export type ReferentialAction = 'CASCADE' | 'SET NULL' | 'RESTRICT' | 'NO ACTION' | 'SET DEFAULT';

/**
 * One attribute of a model (S:22.5). Its name is the name of its column, as it is written: `entityType` is `"entityType"` in SQL.
 * Names are letters, digits and _; those of an instance's verbs (`save`, `update`, …) and `and`, `or`, `not` are taken.
 */
export interface ModelAttribute {
  type: ModelDataType | (string & {});
  /** True unless given; a primary key is never null. */
  allowNull?: boolean;
  /** `NOW` (DATE, DATEONLY) and `UUIDV4` (UUID) are computed for each row, by PostgreSQL: rows written by SQL have them, too. */
  defaultValue?: unknown;
  primaryKey?: boolean;
  /** For INTEGER and BIGINT. */
  autoIncrement?: boolean;
  unique?: boolean;
  /** For ENUM. */
  values?: readonly string[];
  /**
   * A model of the plugin's own, by its name or its table, becomes a foreign key that PostgreSQL keeps.
   * One of the platform's (`users`) is kept as an indexed column: rows may outlive what they refer to.
   */
  references?: { model: string; key: string };
  onDelete?: ReferentialAction;
  onUpdate?: ReferentialAction;
}

/** The attributes of a model by name, in the order of its columns. */
export type ModelAttributes = Record<string, ModelAttribute>;

/** What `define` may be told beside the attributes. */
export interface ModelOptions {
  /** Adds `createdAt` and `updatedAt`; true unless given. */
  timestamps?: boolean;
  /** `destroy` only sets `deletedAt`, and rows that have it are not found. */
  paranoid?: boolean;
  indexes?: readonly { fields: readonly string[]; unique?: boolean; name?: string }[];
}

/** How two models belong together, as Sequelize names it. */
export type AssociationKind = 'hasOne' | 'hasMany' | 'belongsTo' | 'belongsToMany';

/** What `associate` may be told beside the two models. */
export interface AssociationOptions {
  /** The attribute that refers to a row of the other model: `userId` for `User`, or `authorId` for `as: 'author'` of belongsTo, unless given. */
  foreignKey?: string;
  /** The name it is included by, and has in the answer; the other model's name unless given. */
  as?: string;
  /** For belongsToMany: the model in between, and its key to the other side. */
  through?: string;
  otherKey?: string;
}

/**
 * Operators of `where`, by name: `{ severity: { [Op.gt]: 3 } }` is `{ severity: { gt: 3 } }`. Sequelize's own symbols are understood, too.
 */
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

/**
 * Conditions by attribute, all to be met: a value is `eq`, a list is `in`, null is "is null", `{ gt: 3, lt: 9 }` are operators.
 * `and` and `or` take lists of conditions, `not` takes one; they may be nested. JSON and JSONB are compared as a whole.
 * A value that is `undefined` and a name that is no attribute reject with code `MODEL_INVALID`.
 */
export type Where = Record<string | symbol, unknown>;

/** `'name'`, or with a direction; `'DESC NULLS LAST'` is one, too. */
export type Order = string | readonly [attribute: string, direction?: string];

/**
 * `'title'`, `['title', 'name']` to have it by another name, `['count', 'n']` for the number of rows, `['max', 'severity', 'worst']` for
 * a function over an attribute.
 */
export type Selection =
  | string
  | readonly [attribute: string, as: string]
  | readonly [fn: 'count' | 'max' | 'min' | 'sum' | 'avg', attribute: string, as: string];

/** One association whose rows come with those that are asked for. */
export interface IncludeOptions {
  /** Name of the associated model; needed where `as` is not given. */
  model?: string;
  as?: string;
  where?: Where;
  attributes?: readonly string[];
  /** Of hasMany and belongsToMany; by primary key unless given. */
  order?: readonly Order[];
  /** With it, rows without a match are left out; true when `where` is given. */
  required?: boolean;
  paranoid?: boolean;
  include?: readonly (string | IncludeOptions)[];
}

/** Which rows are asked for, and what of them. */
export interface FindOptions {
  where?: Where;
  order?: readonly Order[];
  limit?: number;
  offset?: number;
  attributes?: readonly Selection[];
  /** With `attributes` of functions: one row for each different value. */
  group?: readonly string[];
  /** Associated models that come with the rows, under the name of the association. */
  include?: readonly (string | IncludeOptions)[];
  /** False finds deleted rows of a paranoid model too. */
  paranoid?: boolean;
  /** Plain objects instead of instances. */
  raw?: boolean;
}

/** Which rows are counted or added up. */
export type CountOptions = Pick<FindOptions, 'where' | 'include' | 'paranoid'>;

/** One row, with the verbs of Sequelize's instances that plugins use. Attributes are properties of it. */
export interface ModelInstance<R extends Row = Row> {
  /** The values; included rows are plain, too. */
  get(options?: { plain?: boolean }): R;
  get<Key extends keyof R>(attribute: Key): R[Key];
  set<Key extends keyof R>(attribute: Key, value: R[Key]): this;
  set(values: Partial<R>): this;
  /** Stores what differs from what was read, also inside of JSON. */
  save(): Promise<this>;
  update(values: Partial<R>): Promise<this>;
  destroy(options?: { force?: boolean }): Promise<void>;
  reload(): Promise<this>;
  toJSON(): R;
}

/** A row with its attributes as properties. */
export type Instance<R extends Row = Row> = ModelInstance<R> & R;

/** A model that may only be read: the platform's. */
export interface ReadableModel<R extends Row = Row> {
  readonly name: string;
  /** Rejects with code `RESULT_TOO_LARGE` when there are more rows than `context.db.query` would answer; use `limit`. */
  findAll(options?: FindOptions): Promise<Instance<R>[]>;
  findOne(options?: FindOptions): Promise<Instance<R> | null>;
  /** A key of several attributes is an object. */
  findByPk(
    key: string | number | bigint | Row,
    options?: Pick<FindOptions, 'attributes' | 'include' | 'paranoid' | 'raw'>,
  ): Promise<Instance<R> | null>;
  findAndCountAll(options?: FindOptions): Promise<{ rows: Instance<R>[]; count: number }>;
  count(options?: CountOptions): Promise<number>;
  /** How many of each: `[{ severity: 3, count: 12 }]`. */
  count(options: CountOptions & { group: readonly string[] }): Promise<Row[]>;
  /** Null when there are no rows. */
  max(attribute: string, options?: CountOptions): Promise<unknown>;
  min(attribute: string, options?: CountOptions): Promise<unknown>;
  /** 0 when there are no rows. */
  sum(attribute: string, options?: CountOptions): Promise<number>;
}

/** Which rows a verb changes. */
export interface ChangeOptions {
  /** Which rows; `{}` is every row. Without it nothing is done, and the call rejects with code `MODEL_INVALID`. */
  where: Where;
  /** False changes deleted rows of a paranoid model too. */
  paranoid?: boolean;
}

/**
 * A model of the plugin's own. What PostgreSQL refuses rejects with code `QUERY_FAILED`; `details.kind` is `unique`, `foreign-key`,
 * `not-null` or `check` where a row broke a rule, and `details.constraint` is the rule's name.
 */
export interface PluginModel<R extends Row = Row> extends ReadableModel<R> {
  create(values: Partial<R>): Promise<Instance<R>>;
  /** All or none. With `ignoreDuplicates` only those that were not there, which are also what is answered. */
  bulkCreate(
    rows: readonly Partial<R>[],
    options?: { ignoreDuplicates?: boolean; returning?: boolean },
  ): Promise<Instance<R>[]>;
  /** Creates with what `where` says to be equal, and with the defaults. Two at the same moment create one row. */
  findOrCreate(options: {
    where: Where;
    defaults?: Partial<R>;
    paranoid?: boolean;
  }): Promise<[Instance<R>, created: boolean]>;
  /** Answers how many rows were changed. */
  update(values: Partial<R>, options: ChangeOptions): Promise<[affected: number]>;
  /** By the primary key where it is given, otherwise by a unique attribute. */
  upsert(values: Partial<R>): Promise<[Instance<R>, created: boolean | null]>;
  /** Answers how many rows. `where` is needed (`{}` is every row), or `truncate`. `force` deletes rows of a paranoid model for good. */
  destroy(options: { where?: Where; truncate?: boolean; force?: boolean }): Promise<number>;
  /** `increment('views', { by: 2, where })`, or by different steps: `increment({ views: 2, likes: 1 }, { where })`. Answers how many rows. */
  increment(
    attributes: string | readonly string[] | Record<string, number>,
    options: ChangeOptions & { by?: number },
  ): Promise<number>;
  decrement(
    attributes: string | readonly string[] | Record<string, number>,
    options: ChangeOptions & { by?: number },
  ): Promise<number>;
}

/**
 * Tables of the plugin's own, said as models (S:22). Defining needs `models:define`, storing `database:write`.
 * A model `AuditLog` of `audit-trail` is the table `plugin_audit_trail_audit_log`. Definitions are kept: a model defined in
 * `onInstall` is there again in every later life of the plugin.
 * What is wrong in a definition or a call has code `MODEL_INVALID`.
 */
export interface ModelApi {
  /**
   * Replaces a definition of the same name; `sync` makes its table. Without a primary key it has `id`, a number that counts up.
   * A new version of the plugin inherits what the version before has defined; what it defines itself replaces that.
   */
  define<R extends Row = Row>(name: string, attributes: ModelAttributes, options?: ModelOptions): PluginModel<R>;
  /** Throws with code `MODEL_INVALID` when there is no such model; `has` asks before. */
  get<R extends Row = Row>(name: string): PluginModel<R>;
  /** One of the platform's, this tenant's rows only; null where the host offers none. Needs `database:read`. */
  getCoreModel<R extends Row = Row>(name: CoreModelName | (string & {})): ReadableModel<R> | null;
  /**
   * Says how two models belong together, so that one may `include` the other. The target may be one of the platform's.
   * A foreign key that no attribute is (`userId` unless given) is added to the model that holds it; `sync` makes its column.
   * The model in between of belongsToMany is defined when it is not there.
   */
  associate(source: string, kind: AssociationKind, target: string, options?: AssociationOptions): void;
  /**
   * Creates the tables that are missing, all or none. `alter` also adds missing columns and indexes and takes over the values of an ENUM;
   * it never drops a column. `force` drops all tables of the plugin's models, with what is in them, and creates them anew.
   */
  sync(options?: { force?: boolean; alter?: boolean }): Promise<void>;
  /** Drops the tables of all models, and forgets the definitions. */
  dropAll(): Promise<void>;
  /** The names of the plugin's own models. */
  list(): string[];
  has(name: string): boolean;
}
