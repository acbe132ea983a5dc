import { posix } from 'node:path';
import { build, type Loader, type Plugin } from 'esbuild';
import { PlatformError } from '@verifywise/contracts';
import type { PackageFiles } from './unpack.ts';

/** Isolates run on this. */
const TARGET = 'node24';

const loaders: Record<string, Loader> = { '.ts': 'ts', '.js': 'js', '.mjs': 'js', '.cjs': 'js', '.json': 'json' };
const endings = ['', '.ts', '.js', '.cjs', '.mjs', '.json', '/index.ts', '/index.js'];

/** `index.ts` with everything it imports from its own package as one `index.js`. */
export async function transpileEntry(files: PackageFiles): Promise<Buffer> {
  try {
    const built = await build({
      entryPoints: ['index.ts'],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'cjs',
      target: TARGET,
      logLevel: 'silent',
      plugins: [onlyFrom(files)],
    });
    const [output] = built.outputFiles;
    return Buffer.from(output?.contents ?? []);
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 2_000) : String(error);
    throw new PlatformError('MANIFEST_INVALID', `index.ts of the package cannot be translated: ${why}`, {
      cause: error,
    });
  }
}

/** Nothing of this machine's disk gets into a plugin: imports are found in the package, or left for run time. */
function onlyFrom(files: PackageFiles): Plugin {
  return {
    name: 'package-files',
    setup(builder) {
      builder.onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
        if (kind === 'entry-point') return { path, namespace: 'package' };
        if (!path.startsWith('.')) return { path, external: true };
        const wanted = posix.join(posix.dirname(importer), path);
        const found = endings.map((ending) => wanted + ending).find((name) => files.has(name));
        if (found !== undefined) return { path: found, namespace: 'package' };
        return { errors: [{ text: `"${path}" is not in the package` }] };
      });
      builder.onLoad({ filter: /.*/, namespace: 'package' }, ({ path }) => ({
        contents: files.get(path) ?? '',
        loader: loaders[posix.extname(path)] ?? 'text',
      }));
    },
  };
}
