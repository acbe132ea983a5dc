import type { Plugin } from 'esbuild';

/**
 * Packages of which Express only calls functions, and only while it answers: reading bodies, sending files, finding a media type in a
 * table of two thousand. Loading them all took as long as starting Node does.
 */
export const LATER = [
  'accepts',
  'body-parser',
  'content-disposition',
  'content-type',
  'cookie',
  'cookie-signature',
  'etag',
  'http-errors',
  'mime-types',
  'qs',
  'send',
  'serve-static',
  'type-is',
];

/** Lets a bundle load them from `file` when one of their functions is called for the first time. */
export function calledLater(file: string): Plugin {
  return {
    name: 'called later',
    setup(build) {
      build.onResolve({ filter: new RegExp(`^(${LATER.join('|')})$`) }, ({ path }) => ({ path, namespace: 'later' }));
      build.onResolve({ filter: /\.cjs$/, namespace: 'later' }, ({ path }) => ({ path, external: true }));
      build.onLoad({ filter: /.*/, namespace: 'later' }, ({ path }) => ({ contents: standIn(file, path) }));
    },
  };
}

/** A function that stands for the package, and whose members stand for the package's functions. */
function standIn(file: string, name: string): string {
  return `
let loaded;
const load = () => (loaded ??= require('${file}')['${name}']());
const standFor = (found) => new Proxy(function () {}, {
  apply: (_target, self, args) => Reflect.apply(found(), self, args),
  construct: (_target, args) => Reflect.construct(found(), args),
  get: (_target, key) => loaded ? found()[key] : standFor(() => found()[key]),
});
module.exports = standFor(load);
`;
}
