import { expect, test } from '@jest/globals';
import type { Aftermath } from './next-words.ts';
import { suggestedFix } from './suggested-fix.ts';
import type { KnownOfError } from './suggested-fix.ts';

const known: [string, KnownOfError, RegExp][] = [
  [
    'a permission the platform names',
    {
      code: 'PERMISSION_DENIED',
      message: 'slack was not granted http:outbound; declare it in its manifest, or have an admin grant it',
    },
    /^Grant the permission http:outbound/,
  ],
  [
    'a permission missed in a hook',
    {
      code: 'HOOK_FAILED',
      message:
        'onEnable of slack failed: This needs the permission events:listen, which was not granted; add it to "permissions" in manifest.json',
    },
    /^Grant the permission events:listen/,
  ],
  [
    "a file that Node's permission model refused",
    {
      code: 'HANDLER_FAILED',
      reason: 'unhandled',
      message: 'Access to this API has been restricted. Use --allow-fs-write to manage permissions.',
    },
    /^Grant the permission filesystem:write/,
  ],
  [
    'a child process',
    {
      code: 'HANDLER_FAILED',
      message: 'Access to this API has been restricted. Use --allow-child-process to manage permissions.',
    },
    /no plugin is given/,
  ],
  [
    'a guarded module that no plugin gets',
    {
      code: 'HOOK_FAILED',
      message: 'onLoad of x failed: child_process is never given to plugins: use a service of your own',
    },
    /no plugin is given/,
  ],
  [
    'a guarded module that a grant opens',
    {
      code: 'HOOK_FAILED',
      message:
        'fetch needs the permission http:outbound, which was not granted; add it to "permissions" in manifest.json',
    },
    /^Grant the permission http:outbound/,
  ],
  [
    "another tenant's table",
    {
      code: 'HOOK_FAILED',
      message:
        "permission denied for schema plugin_runner: with database:read and database:write a plugin reads the platform's views and changes its own tables only",
    },
    /no plugin is given/,
  ],
  [
    'a statement cut off by the runner',
    {
      code: 'HOOK_FAILED',
      message:
        'onEnable of x failed: The statement did not finish within 10 s; let it do less at a time, or add an index',
    },
    /^A query/,
  ],
  [
    "a table that is not named like the plugin's",
    {
      code: 'HOOK_FAILED',
      message:
        'items is not a table of x: its tables are named plugin_x_<name>, without a schema; the statement was undone',
    },
    /^The database refused/,
  ],
  [
    'a lost connection',
    { code: 'HOOK_FAILED', message: 'The connection to PostgreSQL was lost; try again' },
    /could not be reached/,
  ],
  [
    'a table it may not write',
    { code: 'HOOK_FAILED', message: 'permission denied for table plugin_x_items' },
    /database:write/,
  ],
  [
    'a CommonJS module',
    {
      code: 'PLUGIN_LOAD_FAILED',
      reason: 'load',
      message: "The code of x could not be loaded: Cannot find module 'left-pad'\nRequire stack:\n- /p/index.js",
    },
    /does not contain left-pad: .*bundle its dependencies/,
  ],
  [
    'an ESM package',
    {
      code: 'PLUGIN_LOAD_FAILED',
      message: "The code of x could not be loaded: Cannot find package '@slack/web-api' imported from /p/index.js",
    },
    /does not contain @slack\/web-api/,
  ],
  [
    'a module by its code alone',
    { code: 'HOOK_FAILED', message: 'it failed', stack: "Error: it failed { code: 'ERR_MODULE_NOT_FOUND' }" },
    /does not contain something/,
  ],
  [
    'the heap',
    {
      code: 'PLUGIN_CRASHED',
      reason: 'memory',
      message: 'The plugin needed more than its 128 MB of memory and was ended',
    },
    /less at once/,
  ],
  [
    'the heap, in a hook',
    {
      code: 'HOOK_FAILED',
      message: 'onLoad of x failed: The plugin used 300 MB of memory, more than its 256 MB, and was ended',
    },
    /less at once/,
  ],
  [
    'an endless loop',
    {
      code: 'HANDLER_TIMED_OUT',
      reason: 'hang',
      message: 'The plugin kept its event loop busy for more than 3 s and was ended',
    },
    /endless loop/,
  ],
  [
    'a syntax error',
    {
      code: 'PLUGIN_LOAD_FAILED',
      message: "The code of x could not be loaded: Unexpected token '}'",
      stack: "/p/index.js:3\n}\n^\n\nSyntaxError: Unexpected token '}'",
    },
    /not well-formed/,
  ],
  [
    'an import in CommonJS',
    { code: 'PLUGIN_LOAD_FAILED', message: 'Cannot use import statement outside a module' },
    /not well-formed/,
  ],
  [
    'a hook that takes too long',
    { code: 'HOOK_TIMED_OUT', message: 'onEnable of x did not finish within 30 s', during: 'onEnable' },
    /^onEnable took too long/,
  ],
  ['a query that takes too long', { code: 'QUERY_TIMED_OUT', message: 'The query took longer than 10 s' }, /^A query/],
  [
    'a query cut off by PostgreSQL',
    { code: 'HOOK_FAILED', message: 'canceling statement due to statement timeout' },
    /^A query/,
  ],
  [
    'a setting',
    { code: 'HOOK_FAILED', message: 'onEnable of slack failed: webhookUrl is required' },
    /^Check the plugin's settings/,
  ],
  [
    'an API key',
    { code: 'HOOK_FAILED', message: 'onEnable of x failed: Missing API key' },
    /^Check the plugin's settings/,
  ],
  ['a Slack token', { code: 'HOOK_FAILED', message: 'Slack bot token not configured' }, /^Check the plugin's settings/],
  ['required config', { code: 'CONFIG_MISSING', message: 'x lacks apiKey' }, /^Check the plugin's settings/],
  ['a table', { code: 'QUERY_FAILED', message: 'relation "plugin_x_items" does not exist' }, /onInstall/],
  [
    'a column',
    { code: 'HOOK_FAILED', message: 'column "total" of relation "plugin_x_items" does not exist' },
    /onInstall/,
  ],
  [
    'a constraint',
    { code: 'HOOK_FAILED', message: 'duplicate key value violates unique constraint "plugin_x_items_pkey"' },
    /^The database refused/,
  ],
  ['SQL', { code: 'QUERY_FAILED', message: 'syntax error at or near "SELEC"' }, /^The database refused/],
  [
    'a database that is away',
    { code: 'HOOK_FAILED', message: 'Connection terminated unexpectedly' },
    /could not be reached/,
  ],
  [
    'a database that is full',
    { code: 'HOOK_FAILED', message: 'sorry, too many clients already' },
    /could not be reached/,
  ],
  ['another service', { code: 'HOOK_FAILED', message: 'getaddrinfo ENOTFOUND jira.example.com' }, /cannot be reached/],
  [
    'a refused address',
    { code: 'EGRESS_REFUSED', message: 'http://169.254.169.254 is not reachable from plugins' },
    /operator/,
  ],
  [
    'a rejection nobody handled',
    { code: 'HANDLER_FAILED', reason: 'unhandled', message: "Cannot read properties of undefined (reading 'id')" },
    /does not catch/,
  ],
  [
    'a process that ended',
    { code: 'PLUGIN_CRASHED', reason: 'exit', message: "The plugin's process ended by itself with exit code 3" },
    /^Enable/,
  ],
  ['a package', { code: 'PLUGIN_LOAD_FAILED', message: 'index.js exports no plugin object' }, /does not load/],
  ['no runner', { code: 'NO_RUNNER', message: 'No runner answered within 45 s' }, /operates/],
];

test.each(known)('for %s there is something to do', (_kind, error, fix) => {
  expect(suggestedFix(error)).toMatch(fix);
});

test.each([
  ['config set too early', 'Cannot set headers after they are sent to the client'],
  ['a token of a parser', 'The tokenizer is missing a rule'],
  ['an id', 'no such risk: 17'],
])('%s is taken for nothing else', (_kind, message) => {
  expect(suggestedFix({ code: 'HOOK_FAILED', message })).toBe(
    "Check the plugin's settings and its log, then enable the plugin again",
  );
});

const restored: Aftermath = { kind: 'restored', version: '1.1.0', operation: 'update' };
const notInstalled: Aftermath = { kind: 'not installed', operation: 'install' };

test.each(known)('of %s in an update that was undone, nobody is told to roll back or to enable it', (_kind, error) => {
  expect(suggestedFix({ ...error, aftermath: restored })).not.toMatch(/roll back|enable (it|the plugin)/i);
});

test.each(known)('of %s in an installation that was undone, nobody is told to do something with it', (_kind, error) => {
  const fix = suggestedFix({ ...error, aftermath: notInstalled });
  expect(fix).not.toMatch(
    /roll back|enable (it|the plugin)|^update|update (it|the plugin)|grant|check the plugin's settings/i,
  );
});

test('what is possible after an operation was undone is named', () => {
  const missing = { code: 'PLUGIN_LOAD_FAILED', message: "Cannot find module 'left-pad'" };
  expect(suggestedFix({ ...missing, aftermath: restored })).toMatch(/stay with 1\.1\.0, which is there again$/);
  expect(suggestedFix({ ...missing, aftermath: notInstalled })).toMatch(/install another version, if there is one$/);
  const slow = { code: 'HOOK_TIMED_OUT', message: 'onLoad of x did not finish within 30 s', during: 'onLoad' };
  expect(suggestedFix({ ...slow, aftermath: { kind: 'not uninstalled' } })).toMatch(/then uninstall the plugin again/);
  const back: Aftermath = { kind: 'restored', version: '1.4.0', operation: 'rollback' };
  expect(suggestedFix({ ...slow, aftermath: restored })).toMatch(/then update the plugin again$/);
  expect(suggestedFix({ ...slow, aftermath: back })).toMatch(/then roll back again$/);
  expect(suggestedFix({ ...slow, aftermath: { kind: 'not installed', operation: 'upload' } })).toMatch(
    /then upload the plugin again$/,
  );
});

test('an error of no known kind has no suggestion', () => {
  expect(suggestedFix({ code: 'CONFLICT', message: 'It has ended' })).toBeUndefined();
});
