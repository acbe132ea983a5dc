import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { PluginModel } from '@verifywise/plugin-types';
import { ModelDesk } from '../../testing/model-desk.ts';

describe('rows of a plugin’s models', () => {
  let desk: ModelDesk;
  beforeAll(async () => {
    desk = await ModelDesk.open();
  });
  afterAll(() => desk.close());

  async function logs(pluginId: string): Promise<PluginModel> {
    const models = await desk.models({ pluginId });
    models.define('AuditLog', {
      action: { type: 'string', allowNull: false },
      severity: { type: 'INTEGER', defaultValue: 1 },
      code: { type: 'STRING', unique: true },
      details: { type: 'JSONB' },
    });
    await models.sync();
    return models.get('AuditLog');
  }

  test('what is created is found, with what the platform fills in', async () => {
    const log = await logs('created');
    const created = await log.create({ action: 'login', details: { ip: '::1' } });
    expect(created.toJSON()).toEqual({
      id: 1,
      action: 'login',
      severity: 1,
      code: null,
      details: { ip: '::1' },
      createdAt: expect.any(Date),
      updatedAt: expect.any(Date),
    });
    expect(await log.findByPk(1)).toEqual(created);
    expect(await log.findAll({ order: [['id', 'DESC']], where: { severity: { gte: 1 } } })).toHaveLength(1);
    expect(await log.count()).toBe(1);
  });
});
