import { expect, test } from '@jest/globals';
import { codeIssues } from './code-issues.ts';

test.each([['dist/index.js'], ['Index.js'], ['src/index.ts'], ['main.js'], ['lib/app.mjs', 'lib/index.mjs'].reverse()])(
  'code that begins in %s is found, and it is said that nothing of it is run',
  (...paths) => {
    const [issue, ...others] = codeIssues(['manifest.json', 'package.json', ...paths]);
    expect(others).toEqual([]);
    expect(issue?.message).toBe(
      `The package has no index.js, index.mjs, index.cjs or index.ts at its root, so that none of its code is run; found ${paths.join(', ')}`,
    );
  },
);

test('of much code the likeliest beginnings are named', () => {
  const [issue] = codeIssues([
    'dist/a.js',
    'dist/b.js',
    'dist/lib/index.js',
    'dist/plugin.js',
    'node_modules/x/index.js',
  ]);
  expect(issue?.message).toMatch(/found dist\/plugin\.js, dist\/lib\/index\.js, dist\/a\.js and 1 more$/);
});

test.each([[['index.js', 'dist/index.js']], [['index.mjs']], [['index.cjs']], [['index.ts']]])(
  'a package with %j begins there',
  (paths) => expect(codeIssues(['manifest.json', ...paths])).toEqual([]),
);

test('a package without code is a plugin without code', () => {
  expect(codeIssues(['manifest.json', 'icon.png', 'ui/page.html', 'types/index.d.ts'])).toEqual([]);
});
