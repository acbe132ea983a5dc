import { expect, test } from '@jest/globals';
import { noSuchRoute } from './no-such-route.ts';

test.each([
  ['GET', '/enable', 'hello has no route GET /enable; the platform answers POST /api/plugins/hello/enable'],
  ['POST', '/Config/', 'GET /api/plugins/hello/Config and PUT /api/plugins/hello/Config'],
  ['POST', '/config/history', 'the platform answers GET /api/plugins/hello/config/history'],
  ['DELETE', '', 'hello has no route DELETE /; POST /api/plugins/hello/uninstall uninstalls it'],
  ['PUT', '/', 'the platform answers GET /api/plugins/hello'],
])('who asks %s %s is told how the platform is asked', (method, path, message) => {
  expect(noSuchRoute('hello', { method, path: `/api/plugins/hello${path}` })).toContain(message);
});

test.each([
  ['GET', '/greeting', 'hello has no route GET /greeting'],
  ['POST', '/_/enable', 'hello has no route POST /_/enable'],
  ['POST', '/enable/all', 'hello has no route POST /enable/all'],
])('%s %s is nothing of the platform', (method, path, message) => {
  expect(noSuchRoute('hello', { method, path: `/api/plugins/hello${path}` })).toBe(message);
});
