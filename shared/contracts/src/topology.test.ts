import { describe, expect, test } from '@jest/globals';
import { factBinding, factNameOfEvent, factRoutingKey, queues } from './topology.ts';

describe('topology', () => {
  test('an event of a tenant is routed by partition, tenant, entity and action', () => {
    expect(factRoutingKey('acme', factNameOfEvent('risk:created'), 64)).toBe('p62.acme.risk.created');
  });

  test('a fact of no tenant is routed past every partition', () => {
    const key = factRoutingKey(null, 'registry.refreshed', 64);
    expect(key).toBe('platform.-.registry.refreshed');
    expect(key).not.toMatch(/^p\d/);
  });

  test('a binding fits the routing keys of every tenant, and of none', () => {
    const words = factBinding('plugin.installed').split('.');
    for (const tenant of ['acme', 'globex', null]) {
      const key = factRoutingKey(tenant, 'plugin.installed', 64).split('.');
      expect(key).toHaveLength(words.length);
      expect(words.every((word, place) => word === '*' || word === key[place])).toBe(true);
    }
  });

  test('an event name with several colons becomes words of a routing key', () => {
    expect(factNameOfEvent('plugin:activity-feed:viewed')).toBe('plugin.activity-feed.viewed');
  });

  test('queues are named by what they carry and for whom', () => {
    expect(queues.partitionEvents(7)).toBe('runner.events.p07');
    expect(queues.partitionWork(7)).toBe('runner.work.p07');
    expect(queues.partitionCalls(7)).toBe('runner.calls.p07');
    expect(queues.serviceCalls('installer')).toBe('calls.installer');
    expect(queues.serviceFacts('scheduler')).toBe('facts.scheduler');
    expect(queues.dead('work')).toBe('dead.work');
  });
});
