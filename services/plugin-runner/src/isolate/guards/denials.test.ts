import { expect, test } from '@jest/globals';
import { LiveSettings } from '../live-settings.ts';
import { Denials } from './denials.ts';
import { isPermissionDenied } from './permission-denied.ts';

function watched() {
  const clock = { now: 0 };
  const lines: string[] = [];
  const denials = new Denials(
    (message) => lines.push(message),
    () => clock.now,
  );
  return { clock, lines, denials, settings: new LiveSettings(denials) };
}
const caught = (act: () => void): unknown => {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
};

test('what is not granted throws an error that names the permission and what was tried', () => {
  const { settings, lines } = watched();
  const error = caught(() => settings.need('http:outbound', 'Fetching example.com'));
  expect(error).toMatchObject({
    name: 'PermissionDeniedError',
    code: 'PERMISSION_DENIED',
    permission: 'http:outbound',
  });
  expect((error as Error).message).toMatch(
    /^Fetching example.com needs the permission http:outbound, which was not granted/,
  );
  expect(isPermissionDenied(error)).toBe(true);
  expect(lines).toEqual([(error as Error).message]);
});

test('grants count as they are now', () => {
  const { settings } = watched();
  const need = () => settings.need('database:read');
  expect(need).toThrow('database:read');
  settings.replace({ granted: ['database:read'], config: null });
  expect(need).not.toThrow();
  settings.replace({ granted: [], config: {} });
  expect(need).toThrow('database:read');
});

test('the same denial is logged once a minute', () => {
  const { settings, lines, clock } = watched();
  const fetching = () => caught(() => settings.need('http:outbound', 'Fetching a'));
  for (let times = 0; times < 1_000; times += 1) fetching();
  caught(() => settings.need('http:outbound', 'Fetching b'));
  expect(lines).toHaveLength(2);
  clock.now = 60_000;
  fetching();
  expect(lines).toHaveLength(3);
});

test('a thousand different denials do not fill the log', () => {
  const { settings, lines } = watched();
  for (let port = 0; port < 1_000; port += 1)
    caught(() => settings.need('http:outbound', `Connecting to port ${port}`));
  expect(lines).toHaveLength(51);
  expect(lines.at(-1)).toContain('Further denials');
});

test('what nobody is given throws, called or constructed', () => {
  const { denials } = watched();
  const Worker = denials.never('worker_threads.Worker') as unknown as new () => object;
  expect(() => new Worker()).toThrow('worker_threads.Worker is never given to plugins');
  expect(() => new (class extends Worker {})()).toThrow('never given');
  expect(denials.never('process.exit', 'jobs end by themselves')).toThrow('jobs end by themselves');
});
