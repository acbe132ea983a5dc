import type { QueryRunner } from 'typeorm';
import type { CheckedAssociation } from '../../isolate/models/association.ts';
import { checkedAssociation, keyHolder } from '../../isolate/models/association.ts';
import { checkedDefinition } from '../../isolate/models/definition.ts';
import { isRecord } from '../../isolate/record.ts';
import { ModelInvalidError } from '../../isolate/models/invalid.ts';
import type { CoreModel, ModelAssociation, ModelDefinition } from '../../isolate/protocol.ts';
import type { ModelRoom } from '../../capabilities/models.ts';
import type { CoreModelView } from '../plugin-database/core-views.ts';
import type { PluginConnections, PluginOwner } from '../plugin-database/plugin-connections.ts';
import { optionsOf } from './find-options.ts';
import { modelError } from './model-errors.ts';
import type { Model } from './model.ts';
import { ModelSet, coreModel, known, ownModel } from './model.ts';
import { ModelSource } from './model-source.ts';
import type { ModelStore } from './model-store.ts';
import type { Row } from './reading.ts';
import { Reading } from './reading.ts';
import { SchemaChanges } from './schema-changes.ts';
import { Writing } from './writing.ts';

/** More than any plugin has; each costs memory in the runner. */
const MOST_MODELS = 100;

export interface PluginModelsParts {
  /** The plugin as it is now: what it is granted may change. Throws once its isolate has ended. */
  owner(): PluginOwner;
  /** Whose definitions these are; another version of the plugin has its own. */
  version: string;
  connections: Pick<PluginConnections, 'acquire'>;
  store: ModelStore;
  core(): readonly CoreModelView[];
}

type Verb = (runner: QueryRunner, set: ModelSet, model: Model, args: unknown[]) => Promise<unknown>;

const READING: Record<string, Verb> = {
  findAll: (runner, set, model, [options]) => new Reading(set, runner).findAll(model, options),
  findOne: (runner, set, model, [options]) => new Reading(set, runner).findOne(model, options),
  findByPk: (runner, set, model, [key, options]) => new Reading(set, runner).findByPk(model, key, options),
  findAndCountAll: (runner, set, model, [options]) => new Reading(set, runner).findAndCountAll(model, options),
  count: (runner, set, model, [options]) => new Reading(set, runner).count(model, options),
  max: (runner, set, model, [attribute, options]) =>
    new Reading(set, runner).aggregate(model, 'max', attribute, options),
  min: (runner, set, model, [attribute, options]) =>
    new Reading(set, runner).aggregate(model, 'min', attribute, options),
  sum: (runner, set, model, [attribute, options]) =>
    new Reading(set, runner).aggregate(model, 'sum', attribute, options),
  reloadRow: (runner, set, model, [key]) => new Reading(set, runner).findOne(model, { where: key, paranoid: false }),
};

const CHANGING: Record<string, Verb> = {
  create: (runner, _set, model, [values]) => new Writing(runner).create(model, values),
  bulkCreate: (runner, _set, model, [rows, options]) => new Writing(runner).bulkCreate(model, rows, options),
  findOrCreate,
  update: (runner, _set, model, [values, options]) => new Writing(runner).update(model, values, options),
  updateRow: (runner, _set, model, [key, values]) => new Writing(runner).updateRow(model, key, values),
  upsert: (runner, _set, model, [values]) => new Writing(runner).upsert(model, values),
  destroy: (runner, _set, model, [options]) => new Writing(runner).destroy(model, options),
  destroyRow: (runner, _set, model, [key, options]) => new Writing(runner).destroyRow(model, key, options),
  increment: (runner, _set, model, [steps, options]) => new Writing(runner).increment(model, steps, options),
};

/** The models of one plugin of one tenant, for one life of its isolate. */
export class PluginModels implements ModelRoom {
  readonly #parts: PluginModelsParts;
  #set: Promise<ModelSet> | undefined;
  #source: Promise<ModelSource> | undefined;
  /** Definitions and changes of the schema, one after the other; verbs wait for those before them. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #creating = new Map<string, Promise<unknown>>();

  constructor(parts: PluginModelsParts) {
    this.#parts = parts;
  }

  /** Keeps the definition; one of the same name is replaced. */
  define(said: ModelDefinition): Promise<void> {
    return this.#inTurn(async () => {
      const { pluginId } = this.#parts.owner();
      const { version } = this.#parts;
      const { name, attributes, options } = isRecord(said) ? said : ({} as ModelDefinition);
      const definition = checkedDefinition(pluginId, name, attributes, options);
      const model = ownModel(pluginId, definition);
      const others = (await this.#models()).own.filter((other) => other.name !== model.name);
      if (others.length >= MOST_MODELS)
        throw new ModelInvalidError(`${pluginId} has ${MOST_MODELS} models, which is the most`);
      const same = others.find((other) => other.table === model.table);
      if (same)
        throw new ModelInvalidError(`The models ${same.name} and ${name} would both be the table ${model.table}`);
      const { tenant } = this.#parts.owner();
      await this.#parts.store.define(tenant, pluginId, version, definition);
      this.#changed();
    });
  }

  associate(said: ModelAssociation): Promise<void> {
    return this.#inTurn(async () => {
      const { version } = this.#parts;
      const set = await this.#models();
      const known = {
        own: (name: string) => definitionOf(set.own.find((model) => model.name === name)),
        core: (name: string) => coreModels(this.#parts.core()).find((model) => model.name === name),
      };
      const association = checkedAssociation(known, said);
      assertKeys(set, association);
      const { tenant, pluginId } = this.#parts.owner();
      await this.#parts.store.associate(tenant, pluginId, version, association);
      this.#changed();
    });
  }

  sync(options: { force?: boolean; alter?: boolean }): Promise<void> {
    return this.#inTurn(async () => {
      const { pluginId } = this.#parts.owner();
      const { own } = await this.#models();
      const source = await this.#opened();
      await source.transaction((runner) => new SchemaChanges(pluginId, own, runner).sync(options));
    });
  }

  dropAll(): Promise<void> {
    return this.#inTurn(async () => {
      const { tenant, pluginId } = this.#parts.owner();
      const { version } = this.#parts;
      const { own } = await this.#models();
      const source = await this.#opened();
      await source.transaction((runner) => new SchemaChanges(pluginId, own, runner).drop());
      await this.#parts.store.forget(tenant, pluginId, version);
      this.#changed();
    });
  }

  reads(verb: string): boolean {
    return Object.hasOwn(READING, verb);
  }

  /** One verb of a model with its arguments, as the isolate sent them. */
  async run(of: 'own' | 'core', name: string, verb: string, args: unknown[]): Promise<unknown> {
    try {
      await this.#turn;
      const set = await this.#models();
      const model = set.find(of === 'core' ? 'core' : 'own', name);
      const run = Object.hasOwn(READING, verb)
        ? READING[verb]
        : Object.hasOwn(CHANGING, verb)
          ? CHANGING[verb]
          : undefined;
      if (!run || !Array.isArray(args)) throw new ModelInvalidError(`${name} has no verb ${verb}`);
      const source = await this.#opened();
      const act = (runner: QueryRunner) => run(runner, set, model, args);
      if (verb === 'bulkCreate') return await source.transaction(act);
      if (verb === 'findOrCreate') return await this.#oneByOne(JSON.stringify([name, args[0]]), () => source.use(act));
      return await source.use(act);
    } catch (error) {
      throw modelError(this.#parts.owner(), error);
    }
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(act).catch((error: unknown) => {
      throw modelError(this.#parts.owner(), error);
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** This runner alone speaks for the plugin, so waiting here is enough for "find or create" to create once. */
  async #oneByOne<Answer>(key: string, act: () => Promise<Answer>): Promise<Answer> {
    const before = this.#creating.get(key) ?? Promise.resolve();
    const turn = before.then(act, act);
    this.#creating.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#creating.get(key) === turn) this.#creating.delete(key);
    }
  }

  #changed(): void {
    this.#set = undefined;
    this.#source = undefined;
  }

  #models(): Promise<ModelSet> {
    this.#set ??= this.#read().catch((error: unknown) => {
      this.#set = undefined;
      throw error;
    });
    return this.#set;
  }

  async #read(): Promise<ModelSet> {
    const { tenant, pluginId } = this.#parts.owner();
    const { version } = this.#parts;
    const { definitions, associations } = await this.#parts.store.find(tenant, pluginId, version);
    const own = definitions.map((definition) => ownModel(pluginId, definition));
    return new ModelSet([...own, ...this.#parts.core().map(coreModel)], associations as CheckedAssociation[]);
  }

  /** What holds no session of its own: each use takes one and gives it back. */
  #opened(): Promise<ModelSource> {
    this.#source ??= this.#models()
      .then((set) => ModelSource.open(set, () => this.#acquire()))
      .catch((error: unknown) => {
        this.#source = undefined;
        throw error;
      });
    return this.#source;
  }

  #acquire() {
    const owner = this.#parts.owner();
    return this.#parts.connections.acquire(owner, owner.granted.includes('database:write') ? 'write' : 'read');
  }
}

/** The row that `where` finds, or a new one with what `where` and the defaults say; whoever comes second finds it. */
async function findOrCreate(runner: QueryRunner, set: ModelSet, model: Model, [said, defaults]: unknown[]) {
  const options = optionsOf(model, 'findOrCreate', said, ['where', 'paranoid']);
  if (!isRecord(options.where)) throw new ModelInvalidError(`${model.name}.findOrCreate needs where`);
  const reading = new Reading(set, runner);
  const writing = new Writing(runner);
  const found = await reading.findOne(model, options);
  if (found) return [found, false];
  // Only what is said to be equal says what a new row would have.
  const equal = Object.entries(options.where).filter(
    ([, value]) => typeof value !== 'object' || value === null || value instanceof Date,
  );
  const values: Row = { ...Object.fromEntries(equal), ...(isRecord(defaults) ? defaults : {}) };
  const created = await writing.createIfMissing(model, values);
  if (created) return [created, true];
  const meanwhile = await reading.findOne(model, options);
  // Something else is like it than what `where` asks for: PostgreSQL says what.
  return meanwhile ? [meanwhile, false] : [await writing.create(model, values), true];
}

/** As the isolate is told of them. */
export function coreModels(views: readonly CoreModelView[]): CoreModel[] {
  return views.map(({ name, columns }) => ({ name, attributes: columns.map((column) => column.name) }));
}

function definitionOf(model: Model | undefined): ModelDefinition | undefined {
  if (!model) return undefined;
  const { name, attributes, timestamps, paranoid, indexes } = model;
  return { name, attributes: attributes as ModelDefinition['attributes'], options: { timestamps, paranoid, indexes } };
}

/** The isolate adds missing keys before it associates; here they must be there. */
function assertKeys(set: ModelSet, association: CheckedAssociation): void {
  const holder = set.named(keyHolder(association));
  const { foreignKey, otherKey } = association.options;
  for (const key of otherKey === undefined ? [foreignKey] : [foreignKey, otherKey]) known(holder, key);
}
