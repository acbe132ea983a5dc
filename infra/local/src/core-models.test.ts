import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { coreModels } from './core-models.ts';

test('containers show plugins the same core models as processes on one machine', () => {
  const compose = readFileSync(join(import.meta.dirname, '../../../docker-compose.yml'), 'utf8');
  const [, json = ''] = /CORE_MODELS: >-\n([^]*?\}\})\n/.exec(compose) ?? [];
  expect(JSON.parse(json)).toEqual(coreModels);
});
