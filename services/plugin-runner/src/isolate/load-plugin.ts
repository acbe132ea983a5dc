import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EmbeddedManifest, Plugin } from '@verifywise/plugin-types';
import { checkFunctions, PluginLoadError } from './plugin-shape.ts';
import type { IsolateSetup } from './protocol.ts';

/** Loads the plugin's entry file in whichever shape it exports its plugin (contract §1); no entry, no code (S:137). */
export async function loadPlugin({ folder, entry, manifest }: IsolateSetup): Promise<Plugin> {
  if (entry === null) return {};
  const module: unknown = await loaded(join(folder, entry)).catch((error: unknown) => {
    throw placed(error, folder);
  });
  const plugin = pluginIn(module);
  if (!plugin) {
    throw new PluginLoadError(
      `${entry} exports no plugin object; export it as "module.exports = plugin", "export default plugin" or "exports.plugin"`,
    );
  }
  const embedded: Partial<EmbeddedManifest> = plugin.manifest ?? {};
  if (embedded.id !== undefined && embedded.id !== manifest.id) {
    throw new PluginLoadError(`${entry} carries the manifest of ${embedded.id}, but manifest.json is ${manifest.id}'s`);
  }
  if (embedded.version !== undefined && !sameVersion(embedded.version, manifest.version)) {
    throw new PluginLoadError(
      `${entry} carries the manifest of version ${embedded.version}, but manifest.json says ${manifest.version}`,
    );
  }
  checkFunctions(plugin, entry);
  return plugin;
}

/** By `require`, which loads either kind of module, and CommonJS with less ado; what awaits at its top level can only be imported. */
async function loaded(file: string): Promise<unknown> {
  try {
    return createRequire(file)(file);
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return import(pathToFileURL(file).href);
  }
}

/** The error with the plugin's own file in its message, by its path in the package. */
function placed(error: unknown, folder: string): unknown {
  if (error instanceof SyntaxError) {
    // What does not parse names its file and line only on the first line of its stack (in CommonJS; of ESM Node tells nobody).
    const [, path, line] = /^(?:file:\/\/)?(\/.+):(\d+)$/m.exec(error.stack?.split('\n', 1)[0] ?? '') ?? [];
    if (path?.startsWith(folder)) error.message = `${relative(folder, path)}:${line}: ${error.message}`;
  } else if (isMissingModule(error)) {
    const [what = ''] = error.message.split('\nRequire stack:', 1);
    const [asker] = error.requireStack ?? [];
    const by = asker?.startsWith(folder) === true ? `, which ${relative(folder, asker)} requires` : '';
    error.message = what.replaceAll(`${folder}/`, '') + by;
  }
  return error;
}

/** `require` says who asked in a list beside the message, `import` in the message. */
function isMissingModule(error: unknown): error is Error & { requireStack?: string[] } {
  const { code } = Object(error) as { code?: unknown };
  return error instanceof Error && (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND');
}

/** `1.2`, `v1.2.0` and `1.2.0` are one version (contract §3). */
function sameVersion(embedded: string, version: string): boolean {
  const text = embedded.replace(/^v/, '');
  return (/^\d+\.\d+$/.test(text) ? `${text}.0` : text) === version;
}

/** `export default`, `module.exports`, `exports.plugin` and `exports.default`, outermost first. */
function pluginIn(module: unknown): Plugin | undefined {
  let candidate: unknown = module;
  for (let depth = 0; depth < 3; depth += 1) {
    if (!isRecord(candidate)) return undefined;
    const inner: unknown = candidate.default ?? candidate.plugin;
    if (inner === undefined || inner === candidate) break;
    candidate = inner;
  }
  if (!isRecord(candidate)) return undefined;
  if (isRecord(candidate.plugin)) candidate = candidate.plugin;
  return candidate as Plugin;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
