/** What schemas of answers are made of. */

export const text = { type: 'string' };
export const texts = { type: 'array', items: text };
export const time = { type: 'string', format: 'date-time' };
export const anything = {};
export const nullable = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });

/** Nothing but these, of which the second may be missing. */
export const object = (properties: Record<string, object>, optional: Record<string, object> = {}) => ({
  type: 'object',
  required: Object.keys(properties),
  properties: { ...properties, ...optional },
  additionalProperties: false,
});
