import { parse } from 'node:querystring';
import { PlatformError } from '@verifywise/contracts';
import type { RequestHandler } from 'express';
import { compileSchema, compileTextSchema, issuesOf, type Issue, type JsonSchema } from '../schemas/json-schema.ts';

export interface RequestSchemas {
  body?: JsonSchema;
  query?: JsonSchema;
  params?: JsonSchema;
}

/** A request that does not fit its schema; `details.issues` lists everything that is wrong with it. */
export class RequestInvalidError extends PlatformError {
  constructor(issues: Issue[]) {
    const shown = issues.map(({ path, message }) => `${path} ${message}`).join('; ');
    super('VALIDATION_FAILED', `The request does not have the right shape: ${shown}`, { details: { issues } });
  }
}

/** Reads the query of a URL as its schema wants it; throws RequestInvalidError. For routes without Express. */
export function queryReader(schema: JsonSchema): (text: string) => Record<string, unknown> {
  const check = compileTextSchema(schema);
  return (text) => {
    const query: Record<string, unknown> = { ...parse(text) };
    if (!check(query)) throw new RequestInvalidError(issuesOf(check.errors, 'query'));
    return query;
  };
}

/**
 * Lets a request through only when it fits its schemas; everything that does not fit is answered at once (400).
 * Texts of query and path become the numbers and booleans the schema wants, and defaults are filled in.
 */
export function checked(schemas: RequestSchemas): RequestHandler {
  const checkBody = schemas.body && compileSchema(schemas.body);
  const checkQuery = schemas.query && compileTextSchema(schemas.query);
  const checkParams = schemas.params && compileTextSchema(schemas.params);
  return (req, _res, next) => {
    const issues: Issue[] = [];
    if (checkParams) {
      const params = { ...req.params };
      if (checkParams(params)) req.params = params;
      else issues.push(...issuesOf(checkParams.errors, 'path'));
    }
    if (checkQuery) {
      const query = { ...req.query };
      // Express reads the query anew each time it is asked for, so what was checked takes the getter's place.
      if (checkQuery(query)) Object.defineProperty(req, 'query', { value: query, writable: true, configurable: true });
      else issues.push(...issuesOf(checkQuery.errors, 'query'));
    }
    if (checkBody) {
      // A POST that needs nothing said may say nothing.
      const body: unknown = req.body ?? {};
      if (checkBody(body)) req.body = body;
      else issues.push(...issuesOf(checkBody.errors, 'body'));
    }
    if (issues.length > 0) throw new RequestInvalidError(issues);
    next();
  };
}
