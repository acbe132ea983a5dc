import { setImmediate as pause } from 'node:timers/promises';
import { compareVersions, parseVersion, PlatformError, readManifest } from '@verifywise/contracts';
import type { PluginManifest } from '@verifywise/plugin-types';
import { whyRefused } from './allowed-url.ts';
import type { EntryProblem, ListedPlugin, ListedVersion, Listing, Registry } from './registry.ts';

/** Grows whenever the same document is read otherwise than before, so that it is fetched again although it has not changed. */
export const READING = 2;

/** More entries than any registry has; beyond, somebody is wasting our memory. */
const MOST_ENTRIES = 10_000;
const MOST_VERSIONS = 500;
const LONGEST_CHANGELOG = 20_000;
/** Who has more problems than these mends the first ones first. */
const MOST_PROBLEMS = 1_000;
const LONGEST_REASON = 1_000;
const PAUSE_AFTER_MS = 10;

type Json = Readonly<Record<string, unknown>>;

/** Makes a listing of `registry.json` (S:8.3). Entries that cannot be used are left out with a reason; throws REGISTRY_INVALID when there are no entries at all. */
export async function readListing(document: unknown, registry: Registry): Promise<Listing> {
  if (!isObject(document) || !Array.isArray(document['plugins'])) {
    throw new PlatformError(
      'REGISTRY_INVALID',
      `The registry ${registry.name} does not list plugins: no "plugins" in it`,
    );
  }
  const entries: unknown[] = document['plugins'];
  if (entries.length > MOST_ENTRIES) {
    throw new PlatformError(
      'REGISTRY_INVALID',
      `The registry ${registry.name} lists more than ${MOST_ENTRIES} plugins`,
    );
  }
  const problems = new Problems();
  const plugins = new Map<string, ListedPlugin>();
  let pausedAt = performance.now();
  for (const [index, entry] of entries.entries()) {
    // Thousands of entries take a while, and meanwhile people browse.
    if (performance.now() - pausedAt > PAUSE_AFTER_MS) {
      await pause();
      pausedAt = performance.now();
    }
    const named = nameOf(entry) ?? `entry ${index + 1}`;
    const plugin = readEntry(entry, named, registry, problems);
    if (typeof plugin === 'string') problems.add({ plugin: named, reason: plugin });
    else if (plugins.has(plugin.id))
      problems.add({ plugin: plugin.id, reason: 'It is listed twice; the first entry counts' });
    else plugins.set(plugin.id, plugin);
  }
  return {
    version: textOrNull(document['version']),
    updated: textOrNull(document['generated']),
    plugins: [...plugins.values()],
    problems: problems.all(),
  };
}

/** The plugin an entry describes, or why it cannot be used; problems of its parts go to `problems`. */
function readEntry(entry: unknown, named: string, registry: Registry, problems: Problems): ListedPlugin | string {
  if (!isObject(entry)) return 'It is not an object';
  const reading = readManifest(manifestPart(entry), 'install');
  if (!reading.ok) return reading.issues.map(({ message }) => message).join('; ');
  const { manifest } = reading;

  const own = readVersion(entry, manifest, registry);
  if (typeof own === 'string') return own;
  const versions = new Map([[own.version, own]]);
  const others = listOf(entry['versions']);
  if (others.length > MOST_VERSIONS)
    problems.add({ plugin: named, reason: `It has more than ${MOST_VERSIONS} versions; the first of them count` });
  for (const other of others.slice(0, MOST_VERSIONS)) {
    const read = readOtherVersion(other, entry, manifest, registry);
    if (typeof read === 'string') problems.add({ plugin: named, version: versionIn(other), reason: read });
    // The entry itself says it first: for the shown version only the changelog is new here.
    else versions.set(read.version, read.version === own.version ? { ...read, ...own } : read);
  }

  const newestFirst = [...versions.values()].sort((a, b) => compareVersions(b.version, a.version));
  const { id, name, description, type, author, tags, homepage, repository, support } = manifest;
  return {
    ...{ id, name, description, type, author, tags },
    version: (newestFirst.find(({ version }) => !version.includes('-')) ?? own).version,
    ...(homepage === undefined ? {} : { homepage }),
    ...(repository === undefined ? {} : { repository }),
    ...(support === undefined ? {} : { support }),
    ...iconOf(entry, named, registry, problems),
    versions: newestFirst,
  };
}

/** What of an entry stands in the plugin's manifest too, so that one set of rules holds for both. */
function manifestPart(entry: Json): Json {
  const fields = [
    ...['id', 'name', 'description', 'version', 'author', 'authorUrl', 'type', 'tags', 'permissions'],
    ...['compatibility', 'minCoreVersion', 'maxCoreVersion', 'dependencies'],
    ...['homepage', 'repository', 'support', 'supportUrl'],
  ];
  return Object.fromEntries(fields.filter((field) => entry[field] != null).map((field) => [field, entry[field]]));
}

function readVersion(entry: Json, manifest: PluginManifest, registry: Registry): ListedVersion | string {
  const download = entry['download'] ?? entry['downloadUrl'];
  if (typeof download !== 'string') return 'It says neither "download" nor "downloadUrl"';
  const refused = whyRefused(download, registry);
  if (refused !== undefined) return `Its package cannot be downloaded: ${refused}`;
  const checksum = typeof entry['checksum'] === 'string' ? entry['checksum'].toLowerCase() : '';
  if (!/^sha256:[0-9a-f]{64}$/.test(checksum)) return 'Its "checksum" is not sha256: and 64 hexadecimal digits';
  const { version, permissions, compatibility, dependencies } = manifest;
  const changelog = entry['changelog'];
  return {
    ...{ version, download, checksum, permissions, compatibility, dependencies },
    ...(typeof changelog === 'string' ? { changelog: textOf(changelog, LONGEST_CHANGELOG) } : {}),
  };
}

/** What a version does not say itself is as the entry says it. */
function readOtherVersion(
  other: unknown,
  entry: Json,
  manifest: PluginManifest,
  registry: Registry,
): ListedVersion | string {
  if (!isObject(other)) return 'A version is not an object';
  const merged = { ...entry, changelog: undefined, ...other };
  const reading = readManifest(manifestPart({ ...merged, id: manifest.id }), 'install');
  if (!reading.ok) return reading.issues.map(({ message }) => message).join('; ');
  return readVersion({ ...other, download: other['download'] ?? other['downloadUrl'] }, reading.manifest, registry);
}

function iconOf(entry: Json, plugin: string, registry: Registry, problems: Problems): { icon?: string } {
  const { icon } = entry as { icon?: unknown };
  if (typeof icon !== 'string' || icon === '') return {};
  const refused = whyRefused(icon, registry);
  if (refused === undefined) return { icon };
  problems.add({ plugin, reason: `It is shown without its icon: ${refused}` });
  return {};
}

function nameOf(entry: unknown): string | undefined {
  const id = isObject(entry) ? entry['id'] : undefined;
  return typeof id === 'string' && id !== '' ? textOf(id, 100) : undefined;
}

function versionIn(other: unknown): string {
  const version = isObject(other) ? other['version'] : undefined;
  return typeof version === 'string' ? (parseVersion(version) ?? textOf(version, 100)) : '?';
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? textOf(value, 100) : null;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** So long at most, and as a database can keep it: it has no place for NUL and half a character. */
function textOf(text: string, longest: number): string {
  return text.slice(0, longest).replaceAll('\u0000', '\uFFFD').toWellFormed();
}

/** What is wrong with a listing, as much of it as people will read. */
class Problems {
  readonly #first: EntryProblem[] = [];
  #more = 0;

  add(problem: EntryProblem): void {
    if (this.#first.length >= MOST_PROBLEMS) this.#more += 1;
    else this.#first.push({ ...problem, reason: textOf(problem.reason, LONGEST_REASON) });
  }

  all(): EntryProblem[] {
    if (this.#more === 0) return this.#first;
    return [...this.#first, { plugin: '…', reason: `There are ${this.#more} more; mend these first` }];
  }
}
