import type { Row } from '@verifywise/plugin-types';
import { checkOptions, markModel, sendable, sendableOptions, sendableValues } from './call-arguments.ts';
import { isRecord } from '../record.ts';
import { ModelInvalidError } from './invalid.ts';
import { ModelRow } from './model-row.ts';

/** What a model needs of the registry around it. */
export interface ModelHome {
  of: 'own' | 'core';
  name: string;
  primaryKey: () => readonly string[];
  /** The associated model whose rows stand under this name; undefined when it is no association. */
  associated: (as: string) => ModelHome | undefined;
  /** One verb, in one call to the runner. */
  run: (verb: string, ...args: unknown[]) => Promise<unknown>;
}

const READS = ['count', 'max', 'min', 'sum'];

/** A model as the plugin's code has it: with every verb for its own, with the reading ones for the platform's. */
export function modelVerbs(home: ModelHome): Record<string, unknown> {
  const model = { name: home.name, ...readingVerbs(home), ...(home.of === 'own' ? changingVerbs(home) : {}) };
  markModel(model);
  return model;
}

function readingVerbs(home: ModelHome) {
  const found = (answer: unknown, options: unknown) => (wantsPlain(options) ? answer : asRows(home, answer));
  return {
    findAll: async (options?: unknown) => found(await home.run('findAll', sent(home, 'findAll', options)), options),
    findOne: async (options?: unknown) => found(await home.run('findOne', sent(home, 'findOne', options)), options),
    findByPk: async (key: unknown, options?: unknown) => {
      if (key === undefined || key === null) return null;
      const answer = await home.run(
        'findByPk',
        sendable(key, `${home.name}.findByPk`),
        sent(home, 'findByPk', options),
      );
      return found(answer, options);
    },
    findAndCountAll: async (options?: unknown) => {
      const { rows, count } = (await home.run('findAndCountAll', sent(home, 'findAndCountAll', options))) as Row;
      return { rows: found(rows, options), count };
    },
    ...Object.fromEntries(
      READS.map((verb) => [
        verb,
        // count(options), but max(attribute, options).
        async (...args: unknown[]) => {
          const options = verb === 'count' ? args[0] : args[1];
          return home.run(verb, ...(verb === 'count' ? [] : [args[0] ?? null]), sent(home, verb, options));
        },
      ]),
    ),
  };
}

function changingVerbs(home: ModelHome) {
  const row = (answer: unknown) => asRows(home, answer);
  const increment = (verb: string, sign: 1 | -1) => async (attributes: unknown, options: unknown) =>
    home.run('increment', steps(home, verb, attributes, options, sign), withoutBy(sent(home, verb, options)));
  return {
    create: async (values: unknown, options?: unknown) => {
      checkOptions(options, ['returning'], `${home.name}.create`);
      return row(await home.run('create', sendableValues(values, `${home.name}.create`)));
    },
    bulkCreate: async (rows: unknown, options?: unknown) => {
      if (!Array.isArray(rows)) throw new ModelInvalidError(`${home.name}.bulkCreate needs a list of rows`);
      const sentRows = rows.map((values, index) => sendableValues(values, `${home.name}.bulkCreate[${index}]`));
      return row(await home.run('bulkCreate', sentRows, sent(home, 'bulkCreate', options)));
    },
    findOrCreate: async (options: unknown) => {
      const { defaults, ...rest } = isRecord(options) ? options : {};
      const values = defaults === undefined ? {} : sendableValues(defaults, `${home.name}.findOrCreate.defaults`);
      const [answer, created] = (await home.run('findOrCreate', sent(home, 'findOrCreate', rest), values)) as unknown[];
      return [row(answer), created];
    },
    update: async (values: unknown, options?: unknown) => [
      await home.run('update', sendableValues(values, `${home.name}.update`), sent(home, 'update', options)),
    ],
    upsert: async (values: unknown, options?: unknown) => {
      checkOptions(options, ['returning'], `${home.name}.upsert`);
      const [answer, created] = (await home.run('upsert', sendableValues(values, `${home.name}.upsert`))) as unknown[];
      return [row(answer), created];
    },
    destroy: async (options?: unknown) => home.run('destroy', sent(home, 'destroy', options)),
    increment: increment('increment', 1),
    decrement: increment('decrement', -1),
  };
}

/** `increment('views', { by: 2 })`, `increment(['views', 'likes'])` and `increment({ views: 2 })`, all as the last. */
function steps(home: ModelHome, verb: string, attributes: unknown, options: unknown, sign: 1 | -1): Row {
  const by = isRecord(options) ? (options.by ?? 1) : 1;
  const said: [string, unknown][] =
    typeof attributes === 'string'
      ? [[attributes, by]]
      : Array.isArray(attributes)
        ? attributes.map((name) => [String(name), by])
        : Object.entries(isRecord(attributes) ? attributes : {});
  const wrong = said.find(([, amount]) => typeof amount !== 'number' || !Number.isFinite(amount));
  if (said.length === 0 || wrong) {
    throw new ModelInvalidError(
      `${home.name}.${verb} needs attributes and by how much: ${verb}('views', { by: 1, where })`,
    );
  }
  return Object.fromEntries(said.map(([name, amount]) => [name, sign * (amount as number)]));
}

function withoutBy(options: unknown): unknown {
  const { by: _by, ...rest } = options as Row;
  return rest;
}

function sent(home: ModelHome, verb: string, options: unknown): unknown {
  return sendableOptions(options, `${home.name}.${verb}`);
}

function wantsPlain(options: unknown): boolean {
  return isRecord(options) && options.raw === true;
}

function asRows(home: ModelHome, answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map((row) => asRows(home, row));
  if (!isRecord(answer)) return answer ?? null;
  const values = Object.entries(answer).map(([name, value]) => {
    const other = typeof value === 'object' && value !== null ? home.associated(name) : undefined;
    return [name, other ? asRows(other, value) : value];
  });
  return new ModelRow(rowVerbs(home), Object.fromEntries(values) as Row);
}

function rowVerbs(home: ModelHome) {
  return {
    name: home.name,
    primaryKey: home.of === 'own' ? home.primaryKey() : null,
    updateRow: async (key: Row, values: Row) => asIncluded(home, await home.run('updateRow', key, values)),
    destroyRow: async (key: Row, options: { force?: boolean }) => {
      await home.run('destroyRow', key, { force: options.force === true });
    },
    reloadRow: async (key: Row) => asIncluded(home, await home.run('reloadRow', key)),
  };
}

function asIncluded(home: ModelHome, answer: unknown): Row {
  if (!isRecord(answer)) throw new ModelInvalidError(`This row of ${home.name} is no longer there`);
  return answer;
}
