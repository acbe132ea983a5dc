import { expect, test } from '@jest/globals';
import { Catalogue } from './catalogue.ts';
import { distanceToBeginning, editDistance } from './edit-distance.ts';
import { aListing, aPlugin, aRegistry } from './testing/listed-plugins.ts';

const catalogue = new Catalogue(
  [
    {
      registry: aRegistry('official'),
      listing: aListing(
        aPlugin('slack-notifications', {
          name: 'Slack Notifications',
          tags: ['slack', 'chat'],
          description: 'Tells a channel.',
        }),
        aPlugin('teams-messages', { name: 'Teams Messages', tags: ['chat'], description: 'Like Slack, in Teams.' }),
        aPlugin('jira-integration', {
          name: 'Jira Integration',
          tags: ['tickets'],
          description: 'Risks become tickets.',
        }),
        aPlugin('audit-trail', { name: 'Audit Trail', tags: ['log'], description: 'Who did what.' }),
      ),
    },
  ],
  '1.7.0',
);

function found(text: string): string[] {
  return catalogue.search(text).map((place) => catalogue.plugins[place]?.plugin.id ?? '?');
}

test('name before tag before description', () => {
  expect(found('slack')).toEqual(['slack-notifications', 'teams-messages']);
  expect(found('chat')).toEqual(['slack-notifications', 'teams-messages']);
  expect(found('tick')).toEqual(['jira-integration']);
});

test.each(['slak', 'slakc', 'Slck', 'slack notifcations', 'notfications', 'SLACK'])('%s finds Slack first', (typed) => {
  expect(found(typed)[0]).toBe('slack-notifications');
});

test.each(['notifc', 'ntoific', 'notificc', 'slack notfi', 'integartio'])(
  '%s is still being typed and finds it',
  (typed) => {
    expect(found(typed)).toEqual([typed.startsWith('i') ? 'jira-integration' : 'slack-notifications']);
  },
);

test.each(['xotifxc', 'notixxxx', 'ntx'])('%s begins nothing', (typed) => {
  expect(found(typed)).toEqual([]);
});

test('every word has to fit', () => {
  expect(found('slack tickets')).toEqual([]);
  expect(found('jira risks')).toEqual(['jira-integration']);
});

test('a short word with a letter changed means something else', () => {
  expect(found('lot')).toEqual([]);
});

test('nothing but signs finds nothing', () => {
  expect(found('???')).toEqual([]);
});

test.each([
  ['notif', 'notifications', 1, 0],
  ['notfi', 'notifications', 1, 1],
  ['nofi', 'notifications', 1, 1],
  ['notiff', 'notifications', 1, 1],
  ['mofti', 'notifications', 1, 2],
  ['slacks', 'slack', 1, 1],
  ['slackers', 'slack', 2, 3],
])('from "%s" to a beginning of "%s" within %d are %d slips', (one, other, limit, slips) => {
  expect(distanceToBeginning(one, other, limit)).toBe(slips);
});

test.each([
  ['slack', 'slack', 2, 0],
  ['slak', 'slack', 2, 1],
  ['slakc', 'slack', 2, 1],
  ['kitten', 'sitting', 3, 3],
  ['kitten', 'sitting', 2, 3],
  ['', 'ab', 2, 2],
  ['abcdef', 'a', 2, 3],
])('from "%s" to "%s" within %d are %d slips', (one, other, limit, slips) => {
  expect(editDistance(one, other, limit)).toBe(slips);
});
