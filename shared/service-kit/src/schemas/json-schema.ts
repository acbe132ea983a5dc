import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';

/** A JSON Schema, as OpenAPI 3.1 understands it too. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Issue {
  /** `body.dependencies.slack` */
  path: string;
  message: string;
}

/** More than this nobody mends in one go. */
const MAX_ISSUES = 50;

/** Compiles a schema that JSON must fit as it is. A schema that is itself wrong throws here, at start. */
export function compileSchema(schema: JsonSchema): ValidateFunction {
  return ajv({ coerceTypes: false }).compile(schema);
}

/** Compiles a schema for texts of a URL: `"2"` becomes 2 where a number is wanted, `a=1` a list of one. */
export function compileTextSchema(schema: JsonSchema): ValidateFunction {
  return ajv({ coerceTypes: 'array' }).compile(schema);
}

function ajv(options: { coerceTypes: false | 'array' }): Ajv {
  const made = new Ajv({
    allErrors: true,
    useDefaults: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    strictTuples: false,
    // What a schema says to readers of openapi.json only.
    keywords: ['example', 'externalDocs', 'xml'],
    ...options,
  });
  addFormats.default(made);
  return made;
}

/** What does not fit, as paths below `root` with a sentence each. */
export function issuesOf(errors: ErrorObject[] | null | undefined, root: string): Issue[] {
  return (errors ?? []).slice(0, MAX_ISSUES).map((error) => ({
    path: [root, ...placeOf(error)].join('.'),
    message: messageOf(error),
  }));
}

function placeOf({ instancePath, params }: ErrorObject): string[] {
  const steps = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  for (const name of ['missingProperty', 'additionalProperty', 'unevaluatedProperty']) {
    const property: unknown = params[name];
    if (typeof property === 'string') return [...steps, property];
  }
  return steps;
}

function messageOf({ keyword, message, params }: ErrorObject): string {
  if (keyword === 'required') return 'is required';
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') return 'is not known here';
  if (keyword === 'enum') return `must be one of ${(params.allowedValues as unknown[]).map(String).join(', ')}`;
  return message ?? `does not satisfy ${keyword}`;
}
