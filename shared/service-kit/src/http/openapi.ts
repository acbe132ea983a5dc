import type { JsonSchema } from '../schemas/json-schema.ts';

export type Method = 'get' | 'put' | 'post' | 'patch' | 'delete';

/** Who may call a route: anybody, any role of the tenant, its admins, the platform's operators, or another service. */
export type RouteRole = 'none' | 'any' | 'Admin' | 'Operator' | 'service';

/** An answer of a route: what it means, and the shape of its `data`. */
export type RouteAnswer = string | { description: string; data?: JsonSchema; contentType?: string };

/** One description of a route, from which `checked(route)` checks requests and /openapi.json tells about them. */
export interface OpenApiRoute {
  method: Method;
  /** As express writes it: `/api/plugins/:id`. */
  path: string;
  summary: string;
  role: RouteRole;
  params?: JsonSchema;
  query?: JsonSchema;
  /** What may be said in headers; told of, and not checked. */
  headers?: JsonSchema;
  body?: JsonSchema;
  /** `application/json` unless said. */
  bodyType?: string;
  answers: Record<number, RouteAnswer>;
}

/** Describes a route. */
export function route<R extends OpenApiRoute>(description: R): R {
  return description;
}

/** The OpenAPI 3.1 document of a service. */
export function openApiDocument(service: string, routes: readonly OpenApiRoute[]): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const described of routes) {
    const path = described.path.replaceAll(/[:*](\w+)/g, '{$1}').replaceAll(/[{}]{2,}/g, (braces) => braces.charAt(0));
    (paths[path] ??= {})[described.method] = operationOf(described);
  }
  return {
    openapi: '3.1.0',
    info: { title: service, version: '1' },
    paths,
    components: {
      schemas: { Error: errorSchema },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        service: { type: 'apiKey', in: 'header', name: 'x-service-token' },
      },
    },
  };
}

const errorSchema: JsonSchema = {
  type: 'object',
  required: ['success', 'error'],
  properties: {
    success: { const: false },
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: { code: { type: 'string' }, message: { type: 'string' }, details: {} },
    },
  },
};

const roleNotes: Record<RouteRole, string> = {
  none: 'Open to anybody.',
  any: 'Any role of the tenant.',
  Admin: 'Role Admin.',
  Operator: 'Role Operator.',
  service: 'Another service of the platform.',
};

function operationOf(described: OpenApiRoute): Record<string, unknown> {
  const { summary, role, body, bodyType = 'application/json', answers } = described;
  const responses: Record<string, unknown> = {
    default: { description: 'Refused or failed', content: { 'application/json': { schema: ref('Error') } } },
  };
  for (const [status, answer] of Object.entries(answers)) responses[status] = responseOf(answer);
  return {
    summary,
    description: roleNotes[role],
    security: role === 'none' ? [] : [{ [role === 'service' ? 'service' : 'bearer']: [] }],
    parameters: [
      ...pathParameters(described),
      ...parametersOf('query', described.query),
      ...parametersOf('header', isOnce(described) ? idempotencyKey : undefined),
      ...parametersOf('header', described.headers),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: needsBody(body), content: { [bodyType]: { schema: body } } } }),
    responses,
  };
}

/** Every POST of somebody who is known may be sent again (contract §5). */
const idempotencyKey: JsonSchema = {
  properties: {
    'Idempotency-Key': {
      type: 'string',
      maxLength: 255,
      pattern: '^[\\x21-\\x7e]+$',
      description: 'The same request with the same key is done once for a day, and gets the answer of the first',
    },
  },
};

function isOnce({ method, role }: OpenApiRoute): boolean {
  return method === 'post' && role !== 'none' && role !== 'service';
}

/** Of a body that need not have anything in it, none is taken for an empty one. */
function needsBody({ required, minProperties }: JsonSchema): boolean {
  return (Array.isArray(required) && required.length > 0) || Number(minProperties) > 0;
}

function responseOf(answer: RouteAnswer): Record<string, unknown> {
  if (typeof answer === 'string') return { description: answer };
  const { description, data, contentType } = answer;
  if (contentType !== undefined) return { description, content: { [contentType]: data ? { schema: data } : {} } };
  if (data === undefined) return { description };
  const schema = { type: 'object', required: ['success', 'data'], properties: { success: { const: true }, data } };
  return { description, content: { 'application/json': { schema } } };
}

function pathParameters({ path, params }: OpenApiRoute): unknown[] {
  const schemas = propertiesOf(params);
  return [...path.matchAll(/[:*](\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: schemas[name] ?? { type: 'string' },
  }));
}

function parametersOf(place: 'query' | 'header', schema: JsonSchema | undefined): unknown[] {
  const required = Array.isArray(schema?.required) ? (schema.required as unknown[]) : [];
  return Object.entries(propertiesOf(schema)).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: property,
  }));
}

function propertiesOf(schema: JsonSchema | undefined): Record<string, unknown> {
  const properties = schema?.properties;
  return typeof properties === 'object' && properties !== null ? (properties as Record<string, unknown>) : {};
}

function ref(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}
