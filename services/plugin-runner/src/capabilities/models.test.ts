import { expect, test } from '@jest/globals';
import type { Installation } from '@verifywise/contracts';
import { databaseSession } from './database.ts';
import type { ModelRoom } from './models.ts';
import { modelCapabilities } from './models.ts';

const DEFINITION = { name: 'Note', attributes: {}, options: {} };

test('an isolate that has ended defines, changes and reads no models', async () => {
  const reached: string[] = [];
  const reach = (what: string) => () => {
    reached.push(what);
    return Promise.resolve();
  };
  const room: ModelRoom = {
    define: reach('define'),
    associate: reach('associate'),
    sync: reach('sync'),
    dropAll: reach('dropAll'),
    reads: () => true,
    run: reach('run'),
  };
  const granted = ['models:define', 'database:read', 'database:write'];
  const installation = { tenant: 'acme', pluginId: 'notes', granted } as unknown as Installation;
  const never = () => Promise.reject(new Error('No statement is run'));
  const session = databaseSession({ query: never, begin: never }, () => installation);
  const models = modelCapabilities(session.owner, room);
  await models['models.define'](DEFINITION);
  expect(reached).toEqual(['define']);

  session.end();
  const ended = { code: 'PLUGIN_CRASHED' };
  await expect(models['models.define'](DEFINITION)).rejects.toMatchObject(ended);
  await expect(models['models.sync']({})).rejects.toMatchObject(ended);
  await expect(models['models.dropAll']()).rejects.toMatchObject(ended);
  await expect(models['models.run']('own', 'Note', 'findAll', [])).rejects.toMatchObject(ended);
  expect(reached).toEqual(['define']);
});
