import { EntitySchema } from 'typeorm';
import type { EntitySchemaColumnOptions } from 'typeorm';
import type { Model } from './model.ts';
import type { Row } from './reading.ts';

/** A model as TypeORM makes statements from it. */
export function tableOf(model: Model): EntitySchema<Row> {
  const columns = Object.keys(model.attributes).map((attribute): [string, EntitySchemaColumnOptions] => [
    attribute,
    // Values are made ready by values.ts; of text TypeORM changes nothing.
    { type: 'text', primary: model.primaryKey.includes(attribute) },
  ]);
  const { entity: name, table: tableName, schema } = model;
  const all = Object.fromEntries(columns);
  if (schema === undefined) return new EntitySchema<Row>({ name, tableName, columns: all });
  return new EntitySchema<Row>({ name, tableName, schema, columns: all });
}
