import { isDeepStrictEqual } from 'node:util';
import type { Row } from '@verifywise/plugin-types';
import { checkOptions, sendableValues } from './call-arguments.ts';
import { ModelInvalidError } from './invalid.ts';

/** What a row does with its model. */
export interface RowVerbs {
  readonly name: string;
  /** Attributes of the primary key; null where rows can only be read. */
  readonly primaryKey: readonly string[] | null;
  updateRow(key: Row, values: Row): Promise<Row>;
  destroyRow(key: Row, options: { force?: boolean }): Promise<void>;
  reloadRow(key: Row): Promise<Row>;
}

/** One row: its attributes are its own properties, its verbs are not, so that spreading and JSON see only values. */
export class ModelRow {
  readonly #verbs: RowVerbs;
  /** As it is stored; what differs from it is what `save` stores. */
  #stored: Row;

  constructor(verbs: RowVerbs, values: Row) {
    this.#verbs = verbs;
    this.#stored = {};
    this.#take(values);
  }

  get(attribute?: unknown): unknown {
    return typeof attribute === 'string' ? this.#own()[attribute] : this.toJSON();
  }

  set(attribute: string | Row, value?: unknown): this {
    Object.assign(this, typeof attribute === 'string' ? { [attribute]: value } : attribute);
    return this;
  }

  async save(options?: unknown): Promise<this> {
    checkOptions(options, [], `${this.#verbs.name}.save`);
    const changed = Object.entries(this.#own()).filter(
      ([name, value]) => !isRowOrRows(value) && !isDeepStrictEqual(value, this.#stored[name]),
    );
    return this.#store(Object.fromEntries(changed));
  }

  async update(values: Row, options?: unknown): Promise<this> {
    checkOptions(options, [], `${this.#verbs.name}.update`);
    this.set(values);
    return this.#store(values);
  }

  async destroy(options: { force?: boolean } = {}): Promise<void> {
    checkOptions(options, ['force'], `${this.#verbs.name}.destroy`);
    await this.#verbs.destroyRow(this.#key('destroy'), options);
  }

  async reload(options?: unknown): Promise<this> {
    checkOptions(options, [], `${this.#verbs.name}.reload`);
    this.#take(await this.#verbs.reloadRow(this.#key('reload')));
    return this;
  }

  toJSON(): Row {
    return Object.fromEntries(Object.entries(this.#own()).map(([name, value]) => [name, plain(value)]));
  }

  async #store(values: Row): Promise<this> {
    const given = sendableValues(values, 'save');
    if (Object.keys(given).length > 0) this.#take(await this.#verbs.updateRow(this.#key('save'), given));
    return this;
  }

  #take(values: Row): void {
    // Copied, so that a change inside a JSON attribute is seen as one.
    for (const [name, value] of Object.entries(values)) {
      if (!isRowOrRows(value)) this.#stored[name] = copied(value);
    }
    Object.assign(this, values);
  }

  #own(): Row {
    return this as unknown as Row;
  }

  #key(verb: string): Row {
    const { name, primaryKey } = this.#verbs;
    if (!primaryKey)
      throw new ModelInvalidError(`${name} is the platform's and may only be read; ${verb} is for your own models`);
    const missing = primaryKey.filter((attribute) => this.#stored[attribute] === undefined);
    if (missing.length > 0) {
      throw new ModelInvalidError(`This ${name} was read without ${missing.join(', ')}, so ${verb} cannot find it`);
    }
    return Object.fromEntries(primaryKey.map((attribute) => [attribute, this.#stored[attribute]]));
  }
}

function isRowOrRows(value: unknown): boolean {
  return value instanceof ModelRow || (Array.isArray(value) && value.some((item) => item instanceof ModelRow));
}

/** Attributes are dates, JSON, or what does not change by itself. */
function copied(value: unknown): unknown {
  if (value instanceof Date) return new Date(value);
  return typeof value === 'object' && value !== null ? (JSON.parse(JSON.stringify(value)) as unknown) : value;
}

function plain(value: unknown): unknown {
  if (value instanceof ModelRow) return value.toJSON();
  return Array.isArray(value) ? value.map(plain) : value;
}
