import {
  DEFAULT_PARTITIONS,
  exchanges,
  factNameOfEvent,
  ListSurfaces,
  queues,
  RunFilters,
  RunMiddleware,
} from '@verifywise/contracts';
import { surfaceFacts } from '../surfaces/surface-facts.ts';
import { baseSchemas, eventSchema, hostEvents, type Schema } from './event-schemas.ts';
import { questionSchemas } from './question-schemas.ts';

const BINDING_VERSION = '0.3.0';
const description = `What a host platform that is not written in Node says to the plugin platform over RabbitMQ.

A tenant belongs to partition \`crc32(tenant) % PARTITIONS\` (CRC-32 as in zlib and PNG; PARTITIONS is ${DEFAULT_PARTITIONS} unless the operator says
otherwise), written with two digits: \`p07\`. Every message is JSON in UTF-8: an envelope with the payload in it. Publish events persistent, with
publisher confirms, one after the other for a tenant whose order matters; repeat an unconfirmed one with the same id. Questions carry
\`expiration\` (the milliseconds you wait), \`reply-to: amq.rabbitmq.reply-to\` and \`message-id\` (the envelope's id), and their replies carry
that id as \`correlation-id\`. The platform declares its exchanges and queues; a host only uses them.`;

/** The AsyncAPI 3 document of what a host publishes, asks and hears; made from the contracts that the services themselves use. */
export function describeBroker(): Schema {
  const events = Object.fromEntries(hostEvents.map((event) => [factNameOfEvent(event), eventMessage(event)]));
  const facts = surfaceFacts({ outdate: () => undefined }).map(({ name }) => name);
  const heard = Object.fromEntries(facts.map((name) => [name, factMessage(name)]));
  const questions = [
    { ...ListSurfaces, queue: queues.serviceCalls('plugin-runner'), ...questionSchemas['list-surfaces'] },
    { ...RunFilters, queue: 'runner.calls.{partition}', ...questionSchemas['run-filters'] },
    { ...RunMiddleware, queue: 'runner.calls.{partition}', ...questionSchemas['run-middleware'] },
  ];
  return {
    asyncapi: '3.0.0',
    info: { title: 'VerifyWise plugin platform, for hosts', version: '1.0.0', description },
    defaultContentType: 'application/json',
    servers: { broker: { host: 'rabbitmq:5672', protocol: 'amqp', protocolVersion: '0.9.1' } },
    channels: {
      events: {
        address: '{partition}.{tenant}.{entity}.{action}',
        title: 'Domain events of the host',
        parameters: parameters('partition', 'tenant', 'entity', 'action'),
        messages: refs('messages', Object.keys(events)),
        bindings: { amqp: routingKey },
      },
      pluginFacts: {
        address: '*.*.plugin.{action}',
        title: 'What happens to plugins, for hosts that remember what plugins offer',
        parameters: parameters('action'),
        messages: refs('messages', facts),
        bindings: { amqp: routingKey },
      },
      ...Object.fromEntries(questions.map((question) => [channelOf(question.name), questionChannel(question)])),
      replies: {
        address: null,
        title: 'Answers, in the queue of direct reply-to',
        messages: refs(
          'messages',
          questions.map(({ name }) => `${name}.reply`),
        ),
      },
    },
    operations: {
      publishEvent: {
        action: 'send',
        channel: { $ref: '#/channels/events' },
        summary: 'Tells the plugins of a tenant that something happened',
        bindings: { amqp: { deliveryMode: 2, bindingVersion: BINDING_VERSION } },
      },
      hearOfPlugins: {
        action: 'receive',
        channel: { $ref: '#/channels/pluginFacts' },
        summary: 'Ask for the surfaces of the tenant again',
      },
      ...Object.fromEntries(questions.map(({ name }) => [operationOf(name), questionOperation(name)])),
    },
    components: {
      messages: {
        ...events,
        ...heard,
        ...Object.fromEntries(questions.flatMap(({ name, asked, result }) => questionMessages(name, asked, result))),
      },
      schemas: baseSchemas,
    },
  };
}

const routingKey = {
  is: 'routingKey',
  exchange: { name: exchanges.events, type: 'topic', durable: true },
  bindingVersion: BINDING_VERSION,
};

const meaning: Record<string, string> = {
  partition: '`p` and the partition of the tenant with two digits: p07',
  tenant: 'The tenant as the envelope names it',
  entity: 'The part of the event before its colon: risk',
  action: 'The part of the name after its last separator: created',
};

function parameters(...names: string[]): Schema {
  return Object.fromEntries(names.map((name) => [name, { description: meaning[name] }]));
}

function refs(kind: string, names: string[]): Schema {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/${kind}/${name}` }]));
}

function eventMessage(event: (typeof hostEvents)[number]): Schema {
  return { name: factNameOfEvent(event), title: event, payload: eventSchema(event) };
}

function factMessage(name: string): Schema {
  const payload = { type: 'object', required: ['pluginId'], properties: { pluginId: { type: 'string' } } };
  return { name, payload: enveloped(name, payload) };
}

function enveloped(type: string, payload: Schema): Schema {
  return {
    allOf: [
      { $ref: '#/components/schemas/Envelope' },
      { type: 'object', properties: { type: { const: type }, payload } },
    ],
  };
}

/** `runner.run-filters` as a key of the document: `runFilters`. */
function operationOf(name: string): string {
  const [, what = name] = name.split('.');
  return what.replaceAll(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase());
}

function channelOf(name: string): string {
  return `${operationOf(name)}Calls`;
}

function questionChannel({ name, queue }: { name: string; queue: string }): Schema {
  return {
    address: queue,
    ...(queue.includes('{partition}') ? { parameters: parameters('partition') } : {}),
    messages: refs('messages', [name]),
    bindings: {
      amqp: {
        is: 'queue',
        queue: { name: queue, durable: true, exclusive: false, autoDelete: false },
        bindingVersion: BINDING_VERSION,
      },
    },
  };
}

function questionOperation(name: string): Schema {
  return {
    action: 'send',
    channel: { $ref: `#/channels/${channelOf(name)}` },
    messages: [{ $ref: `#/channels/${channelOf(name)}/messages/${name}` }],
    reply: {
      address: { location: '$message.header#/replyTo' },
      channel: { $ref: '#/channels/replies' },
      messages: [{ $ref: `#/channels/replies/messages/${name}.reply` }],
    },
  };
}

function questionMessages(name: string, asked: Schema, result: Schema): [string, Schema][] {
  const error = {
    type: 'object',
    required: ['code', 'message'],
    properties: { code: { type: 'string' }, message: { type: 'string' }, details: {} },
  };
  const reply = {
    oneOf: [
      { type: 'object', required: ['result'], properties: { result } },
      { type: 'object', required: ['error'], properties: { error } },
    ],
  };
  return [
    [name, { name, payload: enveloped(name, asked) }],
    [`${name}.reply`, { name: `${name}.reply`, payload: reply }],
  ];
}
