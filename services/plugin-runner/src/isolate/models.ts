import type { ModelApi, PluginModel, ReadableModel, Row } from '@verifywise/plugin-types';
import type { LiveSettings } from './live-settings.ts';
import type { CheckedAssociation, KnownModels } from './models/association.ts';
import { checkedAssociation, keyHolder, withForeignKeys } from './models/association.ts';
import { checkedDefinition } from './models/definition.ts';
import { ModelInvalidError, listed } from './models/invalid.ts';
import type { ModelHome } from './models/model-verbs.ts';
import { shown } from './models/names.ts';
import { modelVerbs } from './models/model-verbs.ts';
import { tableName } from './models/table-name.ts';
import type { CoreModel, IsolateSetup, ModelAssociation, ModelDefinition } from './protocol.ts';
import type { RunnerChannel } from './runner-channel.ts';

type Asks = Pick<RunnerChannel, 'ask'>;
type Grants = Pick<LiveSettings, 'need'>;
type Setup = Pick<IsolateSetup, 'pluginId' | 'models' | 'coreModels'>;

export function createModels(channel: Asks, settings: Grants, setup: Setup): Models {
  return new Models(channel, settings, setup);
}

/** `context.models`: definitions are made here at once and told to the runner, which keeps them and runs the verbs. */
export class Models implements ModelApi {
  readonly #channel: Asks;
  readonly #settings: Grants;
  readonly #pluginId: string;
  readonly #own = new Map<string, ModelDefinition>();
  readonly #core: Map<string, CoreModel>;
  #associations: CheckedAssociation[] = [];
  /** What the runner was told and has not answered; verbs wait for it, and the next one hears what went wrong. */
  #told: Promise<unknown> = Promise.resolve();

  constructor(channel: Asks, settings: Grants, { pluginId, models, coreModels }: Setup) {
    this.#channel = channel;
    this.#settings = settings;
    this.#pluginId = pluginId;
    this.#core = new Map(coreModels.map((model) => [model.name, model]));
    for (const definition of models.definitions) this.#own.set(definition.name, definition);
    this.#associations = models.associations as CheckedAssociation[];
  }

  define<R extends Row = Row>(name: string, attributes: unknown, options?: unknown): PluginModel<R> {
    this.#settings.need('models:define');
    const definition = checkedDefinition(this.#pluginId, name, attributes, options);
    const table = tableName(this.#pluginId, name);
    const other = this.list().find((known) => known !== name && tableName(this.#pluginId, known) === table);
    if (other !== undefined) {
      throw new ModelInvalidError(`The models ${other} and ${name} would both be the table ${table}; rename one`);
    }
    this.#own.set(name, definition);
    const held = this.#associations.filter((association) => keyHolder(association) === name);
    for (const association of held) this.#keepForeignKeys(association);
    this.#tell(this.#channel.ask('models.define', this.#own.get(name) as ModelDefinition));
    return this.get<R>(name);
  }

  get<R extends Row = Row>(name: string): PluginModel<R> {
    if (!this.#own.has(name)) {
      throw new ModelInvalidError(`There is no model ${shown(name)}; defined are: ${listed(this.list())}`);
    }
    return modelVerbs(this.#home('own', name)) as unknown as PluginModel<R>;
  }

  getCoreModel<R extends Row = Row>(name: string): ReadableModel<R> | null {
    this.#settings.need('database:read');
    if (!this.#core.has(name)) return null;
    return modelVerbs(this.#home('core', name)) as unknown as ReadableModel<R>;
  }

  associate(source: string, kind: ModelAssociation['kind'], target: string, options = {}): void {
    this.#settings.need('models:define');
    const association = checkedAssociation(this.#known, { source, kind, target, options });
    const changed = this.#keepForeignKeys(association);
    if (changed) this.#tell(this.#channel.ask('models.define', changed));
    this.#associations = [
      ...this.#associations.filter((known) => known.source !== source || known.options.as !== association.options.as),
      association,
    ];
    this.#tell(this.#channel.ask('models.associate', association));
  }

  async sync(options: { force?: boolean; alter?: boolean } = {}): Promise<void> {
    this.#settings.need('models:define');
    await this.kept();
    await this.#channel.ask('models.sync', { force: options.force === true, alter: options.alter === true });
  }

  async dropAll(): Promise<void> {
    this.#settings.need('models:define');
    await this.kept();
    await this.#channel.ask('models.dropAll');
    this.#own.clear();
    this.#associations = [];
  }

  list(): string[] {
    return [...this.#own.keys()];
  }

  has(name: string): boolean {
    return this.#own.has(name);
  }

  get #known(): KnownModels {
    return { own: (name) => this.#own.get(name), core: (name) => this.#core.get(name) };
  }

  #keepForeignKeys(association: CheckedAssociation): ModelDefinition | undefined {
    const definition = withForeignKeys(this.#pluginId, this.#known, association);
    if (definition) this.#own.set(definition.name, definition);
    return definition;
  }

  #home(of: 'own' | 'core', name: string): ModelHome {
    return {
      of,
      name,
      primaryKey: () =>
        Object.entries(this.#own.get(name)?.attributes ?? {}).flatMap(([key, { primaryKey }]) =>
          primaryKey ? [key] : [],
        ),
      associated: (as) => {
        const found = this.#associations.find(({ source, options }) => source === name && options.as === as);
        return found && this.#home(this.#own.has(found.target) ? 'own' : 'core', found.target);
      },
      run: async (verb, ...args) => {
        await this.kept();
        return this.#channel.ask('models.run', of, name, verb, args);
      },
    };
  }

  #tell(told: Promise<null>): void {
    this.#told = Promise.all([this.#told, told]);
    // Whoever waits for it next is told; until then it is nobody's unhandled rejection.
    this.#told.catch(() => undefined);
  }

  /** Resolves when the runner keeps everything that was defined; rejects with what went wrong, unless somebody was told of it already. */
  async kept(): Promise<void> {
    const told = this.#told;
    try {
      await told;
    } catch (error) {
      if (this.#told === told) this.#told = Promise.resolve();
      throw error;
    }
  }
}
