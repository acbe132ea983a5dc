import { build, type BuildFailure } from 'esbuild';
import type { PluginFolder } from './plugin-folder.ts';
import { PluginFolderError } from './plugin-folder-error.ts';

/** The plugin's code with everything it imports in one CommonJS file (S:11.3); throws PluginFolderError when it does not build. */
export async function bundle({ folder, entry }: PluginFolder): Promise<Buffer> {
  try {
    const { outputFiles } = await build({
      absWorkingDir: folder,
      entryPoints: [entry],
      bundle: true,
      format: 'cjs',
      platform: 'node',
      target: 'node18',
      // Not minified: admins read the stack traces of plugins, and downloads of a few kilobytes need no help.
      minify: false,
      sourcemap: false,
      charset: 'utf8',
      write: false,
      logLevel: 'silent',
    });
    return Buffer.concat(outputFiles.map(({ contents }) => contents));
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    throw new PluginFolderError(folder, error.errors.map(describe));
  }
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error;
}

function describe({ text, location }: BuildFailure['errors'][number]): string {
  return location === null ? text : `${location.file}:${location.line}: ${text}`;
}
