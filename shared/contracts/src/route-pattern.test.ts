import { describe, expect, test } from '@jest/globals';
import { matchPattern, readPattern } from './route-pattern.ts';

const match = (pattern: string, url: string) => matchPattern(readPattern(pattern), url);

describe('a route pattern', () => {
  test.each([
    ['/api/users', '/api/users', {}],
    ['/api/users', '/api/users/', {}],
    ['/api/users/', '/api/users', {}],
    ['/api/users', '/API/Users', {}],
    ['/API/Users', '/api/users?x=/api/risks', {}],
    ['/api/users', '/api/users#top', {}],
    ['/api/users', '/api/%75sers', {}],
    ['/api/na%C3%AFve', '/api/na%c3%afve', {}],
    ['/api/users', 'http://platform.example/api/users', {}],
    ['/api/users/:id', '/api/users/7', { id: '7' }],
    ['/api/users/:id', '/api/users/Ada%20L?full=1', { id: 'Ada L' }],
    ['/api/users/:id', '/api/users/a%2Fb', { id: 'a/b' }],
    ['/api/users/:id', '/api/users/%E0%A4%A', { id: '%E0%A4%A' }],
    ['/api/:kind/:id/notes', '/api/risks/7/notes', { kind: 'risks', id: '7' }],
    ['/api/users/:__proto__', '/api/users/7', Object.fromEntries([['__proto__', '7']])],
    ['/api/risks/*', '/api/risks', { 0: '' }],
    ['/api/risks/*', '/api/risks/', { 0: '' }],
    ['/api/risks/*', '/api/risks/7/Notes', { 0: '7/Notes' }],
    ['/api/:kind/*', '/api/risks/7', { kind: 'risks', 0: '7' }],
    ['/*', '/', { 0: '' }],
    ['/*', '/anything/at/all', { 0: 'anything/at/all' }],
    ['/', '/', {}],
  ])('%s fits %s', (pattern, url, params) => expect(match(pattern, url)).toEqual(params));

  test.each([
    ['/api/users', '/api/users/7'],
    ['/api/users', '/v2/api/users'],
    ['/api/users', '/api/user'],
    ['/api/users', '/api/users2'],
    ['/api/users', '//api/users'],
    ['/api/users', '/api/users//'],
    ['/api/users', '/api/users%2F7'],
    ['/api/users', ''],
    ['/api/users/:id', '/api/users'],
    ['/api/users/:id', '/api/users/'],
    ['/api/users/:id', '/api/users/7/notes'],
    ['/api/risks/*', '/api/risks2'],
    ['/api/risks/*', '/api'],
    ['/', '/api'],
  ])('%s does not fit %s', (pattern, url) => expect(match(pattern, url)).toBeNull());

  test.each([
    [''],
    ['api/users'],
    ['*'],
    ['/api//users'],
    ['//'],
    ['/api/*/notes'],
    ['/api/ri*'],
    ['/api/**'],
    ['/api/:'],
    ['/api/:id.json'],
    ['/api/v:id'],
    ['/api/:id/:id'],
    ['/api/users?x=1'],
    ['/api/users#x'],
    ['/api/my users'],
    ['/api/%zz'],
    ['/' + 'a'.repeat(1_000)],
    [undefined],
    [/api/],
  ])('%s is refused', (pattern) => {
    expect(() => readPattern(pattern)).toThrow(expect.objectContaining({ code: 'MIDDLEWARE_INVALID' }));
  });

  // With anything worse than linear this would not end before the test is given up.
  test('a hostile URL costs no more than its length', () => {
    const long = `/api/${'a/'.repeat(200_000)}`;
    expect(match('/api/:a/:b/*', long)).toMatchObject({ a: 'a', b: 'a' });
    expect(match('/api/:a/:b', long)).toBeNull();
  });
});
