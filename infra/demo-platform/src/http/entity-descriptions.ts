import { route } from '@verifywise/service-kit';
import type { JsonSchema, OpenApiRoute } from '@verifywise/service-kit';
import type { Entity } from '../entities/entity.ts';

/** What the five routes of an entity accept and answer, made from its fields. */
export type EntityDescriptions = Record<'list' | 'create' | 'read' | 'update' | 'remove', OpenApiRoute>;

const LARGEST_PAGE = 500;

const idParams: JsonSchema = {
  type: 'object',
  properties: { id: { type: 'integer', minimum: 1, maximum: 2_147_483_647 } },
};

export function describeEntity(entity: Entity): EntityDescriptions {
  const { one } = entity;
  const path = pathOf(entity);
  const data = rowSchema(entity);
  return {
    list: route({
      method: 'get',
      path,
      summary: `Every ${one} of the tenant`,
      role: 'any',
      query: {
        type: 'object',
        additionalProperties: false,
        properties: {
          limit: { type: 'integer', minimum: 1, maximum: LARGEST_PAGE, default: 100 },
          offset: { type: 'integer', minimum: 0, default: 0 },
          projectId: { type: 'integer', minimum: 1 },
        },
      },
      answers: {
        200: {
          description: 'A page of them and how many there are',
          data: {
            type: 'object',
            required: ['items', 'total'],
            properties: { items: { type: 'array', items: data }, total: { type: 'integer' } },
          },
        },
      },
    }),
    create: route({
      method: 'post',
      path,
      summary: `Creates a ${one} and tells the plugins`,
      role: 'any',
      body: bodySchema(entity, { complete: true }),
      answers: { 201: { description: 'As it was created', data } },
    }),
    read: route({
      method: 'get',
      path: `${path}/:id`,
      summary: `One ${one}`,
      role: 'any',
      params: idParams,
      answers: { 200: { description: 'As it is', data } },
    }),
    update: route({
      method: 'put',
      path: `${path}/:id`,
      summary: `Changes the given fields of a ${one} and tells the plugins what changed`,
      role: 'any',
      params: idParams,
      body: bodySchema(entity, { complete: false }),
      answers: { 200: { description: 'As it is now', data } },
    }),
    remove: route({
      method: 'delete',
      path: `${path}/:id`,
      summary: `Deletes a ${one} and tells the plugins`,
      role: 'any',
      params: idParams,
      answers: { 204: 'Gone' },
    }),
  };
}

/** `/api/vendor-risks` */
export function pathOf({ table }: Entity): string {
  return `/api/${table.replaceAll('_', '-')}`;
}

function bodySchema({ fields }: Entity, { complete }: { complete: boolean }): JsonSchema {
  const required = Object.keys(fields).filter((name) => fields[name]?.required === true);
  return {
    type: 'object',
    additionalProperties: false,
    ...(complete ? { required } : { minProperties: 1 }),
    properties: Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema])),
  };
}

function rowSchema({ fields }: Entity): JsonSchema {
  const shown = Object.entries(fields).filter(([, { hidden }]) => hidden !== true);
  const time = { type: 'string', format: 'date-time' };
  return {
    type: 'object',
    properties: {
      id: { type: 'integer' },
      ...Object.fromEntries(shown.map(([name, { schema }]) => [name, schema])),
      createdAt: time,
      updatedAt: time,
    },
  };
}
