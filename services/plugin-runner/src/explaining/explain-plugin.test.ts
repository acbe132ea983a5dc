import { expect, test } from '@jest/globals';
import type { ShownPlugin } from '@verifywise/contracts';
import type { KnownOfPlugin } from './explain-plugin.ts';
import { explainPlugin } from './explain-plugin.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const running: ShownPlugin = {
  ...{ version: '1.0.0', stage: 'enabled', state: 'running', since: '2026-03-01T11:00:00.000Z', sleeping: false },
  ...{ waitingEvents: 0, parkedEvents: 0, oldestEventAt: null, condition: 'ok', hindrance: null, lastCrash: null },
};
const place: KnownOfPlugin['place'] = {
  partition: 7,
  holding: { partition: 7, runnerId: 'r-1', epoch: 3, since: new Date('2026-03-01T10:00:00.000Z'), released: false },
  assigned: { owner: 'r-1', standby: null },
  runners: [{ id: 'r-1', url: 'http://r-1:4003', draining: false }],
};
const enabled = { version: '1.0.0', state: 'enabled', desired: 'enabled' } as const;

const explained = (known: Partial<KnownOfPlugin>) =>
  explainPlugin({
    tenant: 'acme',
    pluginId: 'feed',
    place,
    installation: enabled,
    hosted: running,
    now: NOW,
    ...known,
  });

test('says of a plugin that runs where, and nothing else', () => {
  expect(explained({})).toEqual([
    'feed 1.0.0 of acme runs.',
    'Its tenant lives on partition 7, held by r-1 (http://r-1:4003) since 2026-03-01T10:00:00.000Z, claim 3.',
  ]);
});

test.each<[string, Partial<KnownOfPlugin>, string | RegExp]>([
  ['not installed', { installation: null, hosted: null }, 'acme has not installed feed.'],
  [
    'disabled',
    { installation: { ...enabled, state: 'disabled', desired: 'disabled' } },
    /is disabled: it hears nothing/,
  ],
  ['asleep', { hosted: { ...running, sleeping: true, state: 'stopped' } }, /enabled and sleeps/],
  [
    'hindered',
    { hosted: { ...running, hindrance: 'it could not be started: no memory' } },
    /now: it could not be started: no memory\.$/,
  ],
  ['broken', { hosted: { ...running, condition: 'broken' } }, /but its handlers fail/],
  ['slow', { hosted: { ...running, condition: 'slow' } }, /slower than its events/],
  ['cut off', { hosted: { ...running, condition: 'dependency-down' } }, /that its handlers call cannot be reached/],
  ['between versions', { hosted: { ...running, version: '0.9.0' } }, /moved to from 0\.9\.0/],
  ['starting', { hosted: { ...running, state: 'starting', stage: 'code' } }, /its process is starting since/],
  ['unheard of', { hosted: null }, /has not heard of it yet/],
  [
    'without a runner',
    { hosted: new Error('No answer came in time') },
    /no runner answers for it: No answer came in time/,
  ],
])('says first of a plugin that is %s what is so', (_what, known, sentence) => {
  expect(explained(known)[0]).toEqual(typeof sentence === 'string' ? sentence : expect.stringMatching(sentence));
});

test('says what waits, where its partition goes, and what last happened to its process', () => {
  const lastCrash = { reason: 'hang', message: 'It was busy for more than 3 s', at: '2026-03-01T11:59:00.000Z' };
  const waits = { waitingEvents: 120, parkedEvents: 112, oldestEventAt: '2026-03-01T11:59:30.000Z' };
  const sentences = explained({
    hosted: { ...running, ...waits, lastCrash },
    place: { ...place, assigned: { owner: 'r-2', standby: 'r-1' } },
  });
  expect(sentences.slice(1)).toEqual([
    'Events that it handles or that wait for it: 120, of which 112 wait in the database; the first was sent 30 s ago.',
    expect.stringContaining('held by r-1'),
    'The partition moves to r-2, whose it is by the balance.',
    'Its process last ended by itself at 2026-03-01T11:59:00.000Z (hang): It was busy for more than 3 s',
  ]);
});

test('says when a holder is gone, when nobody holds the partition, and when no runner lives', () => {
  expect(explained({ place: { ...place, runners: [] } })[1]).toContain('which says nothing any more');
  const nobody = { ...place, holding: null, assigned: null, runners: [] };
  expect(explained({ place: nobody }).slice(1)).toEqual([
    'Partition 7 is held by no runner now.',
    'No runner is alive: start one.',
  ]);
});
