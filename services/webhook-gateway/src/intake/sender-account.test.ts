import { expect, test } from '@jest/globals';
import { accountIn } from './sender-account.ts';

const form = (fields: Record<string, string>) => Buffer.from(new URLSearchParams(fields).toString());
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const FORM = 'application/x-www-form-urlencoded; charset=utf-8';

test.each([
  ['an event of Slack', undefined, json({ team_id: 'T0001', event: {} }), 'slack:T0001'],
  ['a command of Slack', FORM, form({ team_id: 'T0001', command: '/audit' }), 'slack:T0001'],
  ['an interaction of Slack', FORM, form({ payload: '{"team":{"id":"T0001"}}' }), 'slack:T0001'],
  ['an event of a GitHub app', 'application/json', json({ installation: { id: 1234567 } }), 'github:1234567'],
  ['the same as a form', FORM, form({ payload: '{"installation":{"id":1234567}}' }), 'github:1234567'],
  ['an interaction outside of a workspace', FORM, form({ payload: '{"team":null}' }), undefined],
  ['a team that is no id', undefined, json({ team_id: "T'; --" }), undefined],
  ['an installation that is no number', undefined, json({ installation: { id: '1' } }), undefined],
  ['what is no JSON', undefined, Buffer.from('team_id'), undefined],
  ['nothing', FORM, Buffer.alloc(0), undefined],
])('%s names its account', (_what, type, body, account) => {
  expect(accountIn(type, body)).toBe(account);
});
