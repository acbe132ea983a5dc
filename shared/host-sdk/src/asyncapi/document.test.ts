import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { ListSurfaces, envelope, factNameOfEvent, factRoutingKey, isTenant } from '@verifywise/contracts';
import { eventNames } from '@verifywise/plugin-types';
import { Ajv, type ValidateFunction } from 'ajv';
import { makeEvent } from '../events/event.ts';
import { describeBroker } from './describe-broker.ts';
import { documentFile, documentText } from './document.ts';

const require = createRequire(import.meta.url);

interface Document {
  channels: Record<string, { address: string; messages: Record<string, unknown> }>;
  components: { messages: Record<string, { payload: object }>; schemas: object };
}

const document = describeBroker() as unknown as Document;

test('the document in docs is the one that the contracts make; else run write-document.ts', async () => {
  expect(await readFile(documentFile, 'utf8')).toBe(documentText());
});

test('it is valid AsyncAPI 3', () => {
  // The one in which definitions have no address: those of JSON Schema would be there twice.
  const schema = require('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const validate = ajv.compile(schema);
  expect([validate(document), validate.errors]).toEqual([true, null]);
  expect(validate({ ...document, operations: { wrong: { action: 'shout' } } })).toBe(false);
});

test('every reference leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
  const found = (path: string): unknown =>
    path.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
  expect(references.filter((path) => found(path) === undefined)).toEqual([]);
});

/** Checks a message as a reader of the document would. */
function checking(message: string): ValidateFunction {
  const { messages, schemas } = document.components;
  return new Ajv({ strict: false, validateFormats: false }).compile({
    ...messages[message]?.payload,
    components: { schemas },
  });
}

test('it has every event that a host publishes, as the SDK publishes it', () => {
  const published = eventNames.filter((event) => !event.startsWith('plugin:'));
  expect(Object.keys(document.channels['events']?.messages ?? {})).toEqual(published.map(factNameOfEvent));

  const triggeredBy = { userId: 1 };
  const given = { tenant: 'acme', triggeredBy, riskId: 1, projectId: 2, risk: { id: 1 } };
  const event = makeEvent('risk:created', given, { source: 'host', checked: true });
  const message = envelope({
    ...{ id: event.eventId, tenant: event.tenant, time: event.emittedAt, source: 'host', type: 'risk.created' },
    payload: JSON.parse(event.payload) as unknown,
  });
  const isValid = checking('risk.created');
  expect([isValid(message), isValid.errors]).toEqual([true, null]);
  expect(isValid({ ...message, payload: { ...given, riskId: 'one' } })).toBe(false);
  expect(factRoutingKey('acme', 'risk.created', 64)).toMatch(/^p\d\d\.acme\.risk\.created$/);
});

test('tenants and questions are what the contracts say', () => {
  const pattern = /"pattern":"(\^[^"]+)"/.exec(JSON.stringify(document))?.[1] ?? '';
  for (const tenant of ['acme', 'A_b-9', '', 'a b', 'x'.repeat(65)]) {
    expect([tenant, new RegExp(pattern).test(tenant)]).toEqual([tenant, isTenant(tenant)]);
  }
  expect(document.channels['listSurfacesCalls']?.address).toBe('calls.plugin-runner');
  expect(
    checking(ListSurfaces.name)(envelope({ type: ListSurfaces.name, tenant: 'acme', source: 'host', payload: {} })),
  ).toBe(true);
});
