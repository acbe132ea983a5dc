import type { MetadataApi, MetadataEntry } from '@verifywise/plugin-types';
import type { RunnerChannel } from './runner-channel.ts';

/** `context.metadata`: every call is answered by the runner, which knows the tenant and checks names and sizes. */
export function createMetadata(channel: RunnerChannel): MetadataApi {
  return {
    get: <Value>(type: string, id: number, key: string) =>
      channel.ask('metadata.get', type, id, key) as Promise<Value | null>,
    set: async (type, id, key, value) => {
      await channel.ask('metadata.set', type, id, { [key]: asJson(value) });
    },
    setMany: async (type, id, values) => {
      const plain = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, asJson(value)]));
      await channel.ask('metadata.set', type, id, plain);
    },
    delete: (type, id, key) => channel.ask('metadata.delete', type, id, key),
    getAll: (type, id) => channel.ask('metadata.getAll', type, id),
    deleteAll: (type, id) => channel.ask('metadata.deleteAll', type, id),
    findByKey: <Value>(type: string, key: string, value: unknown) =>
      channel.ask('metadata.findByKey', type, key, asJson(value)) as Promise<MetadataEntry<Value>[]>,
    findByKeyPrefix: <Value>(type: string, prefix: string) =>
      channel.ask('metadata.findByKeyPrefix', type, prefix) as Promise<MetadataEntry<Value>[]>,
    getAllByPlugin: () => channel.ask('metadata.getAllByPlugin'),
    deleteByPlugin: () => channel.ask('metadata.deleteByPlugin'),
  };
}

/** The value as JSON keeps it: dates become ISO strings, undefined becomes null; a cycle or a bigint throws here, at its cause. */
function asJson(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? null : (JSON.parse(text) as unknown);
}
