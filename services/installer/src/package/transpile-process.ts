import { posix } from 'node:path';
import { build, type Loader, type Plugin } from 'esbuild';

/** What this process says to the one that started it: that it listens, and what came of the sources. */
export type Answer = 'ready' | Translated;

export type Translated = { code: string } | { problem: string };

type Sources = Record<string, string>;

/** Isolates run on this. */
const TARGET = 'node24';

const loaders: Record<string, Loader> = { '.ts': 'ts', '.js': 'js', '.mjs': 'js', '.cjs': 'js', '.json': 'json' };
const endings = ['', '.ts', '.js', '.cjs', '.mjs', '.json', '/index.ts', '/index.js'];

async function translate(sources: Sources): Promise<Translated> {
  try {
    const built = await build({
      entryPoints: ['index.ts'],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'cjs',
      target: TARGET,
      logLevel: 'silent',
      plugins: [onlyFrom(sources)],
    });
    return { code: built.outputFiles[0]?.text ?? '' };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Imports are found in the package, or left for run time. */
function onlyFrom(sources: Sources): Plugin {
  return {
    name: 'package-files',
    setup(builder) {
      builder.onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
        if (kind === 'entry-point') return { path, namespace: 'package' };
        if (!path.startsWith('.')) return { path, external: true };
        const wanted = posix.join(posix.dirname(importer), path);
        const found = endings.map((ending) => wanted + ending).find((name) => Object.hasOwn(sources, name));
        if (found !== undefined) return { path: found, namespace: 'package' };
        return { errors: [{ text: `"${path}" is not in the package` }] };
      });
      builder.onLoad({ filter: /.*/, namespace: 'package' }, ({ path }) => ({
        contents: sources[path] ?? '',
        loader: loaders[posix.extname(path)] ?? 'text',
      }));
    },
  };
}

process.once('message', (sources: Sources) => {
  void translate(sources).then((translated) => process.send?.(translated, () => process.exit()));
});
process.send?.('ready' satisfies Answer);
