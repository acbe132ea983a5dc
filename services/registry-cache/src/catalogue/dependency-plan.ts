import {
  checkCompatibility,
  compareVersions,
  errorAnswer,
  resolveDependencies,
  satisfies,
} from '@verifywise/contracts';
import { versionOf, type Catalogue } from './catalogue.ts';
import type { InstalledById } from './installed-flags.ts';
import type { ListedPlugin, ListedVersion } from './registry.ts';

/** One step of what installing a plugin brings along, in the order of installation. */
export interface PlannedPlugin {
  id: string;
  /** The ranges that are asked for; `*` when nobody asks for one. */
  range: string;
  version: string | null;
  action: 'install' | 'update' | 'none' | 'impossible';
  /** Why it is impossible. */
  reason?: string;
}

/** Who asks for which versions of a plugin. */
type Wishes = Map<string, Map<string, string>>;

/** What one plugin comes to, and what it needs itself. */
interface Choice extends Omit<PlannedPlugin, 'id'> {
  dependencies: Record<string, string>;
}

/** Another choice may bring other wishes; who has not agreed after so many rounds never will. */
const MOST_ROUNDS = 20;
/** Nobody installs more at once; beyond, somebody is wasting our time. */
const MOST_PLUGINS = 500;

/** What installing a plugin comes to. */
export interface DependencyPlan {
  /** Those it needs first, the plugin itself last. */
  steps: PlannedPlugin[];
  /** Why the installer would refuse it as things stand, in its own words. */
  conflict: string | null;
}

/** What would be installed with this plugin, by the rules of the installer; where it would refuse, what stands in the way. */
export async function dependencyPlan(
  catalogue: Catalogue,
  plugin: ListedPlugin,
  installed: InstalledById,
  hostVersion: string,
): Promise<DependencyPlan> {
  try {
    const picked = await pickedVersions(catalogue, plugin, installed, hostVersion);
    return { steps: stepsOf(catalogue, plugin, installed, hostVersion, picked), conflict: null };
  } catch (error) {
    return { steps: stepsOf(catalogue, plugin, installed, hostVersion), conflict: errorAnswer(error).message };
  }
}

/** The version of everything that is not there yet. */
async function pickedVersions(
  catalogue: Catalogue,
  plugin: ListedPlugin,
  installed: InstalledById,
  hostVersion: string,
): Promise<ReadonlyMap<string, string>> {
  const { id: pluginId, version } = plugin;
  const dependencies = versionOf(plugin)?.dependencies ?? {};
  const there = [...installed.values()].map((one) => ({ ...one, dependencies: {} }));
  const planned = await resolveDependencies(
    { pluginId, version, dependencies },
    {
      installed: there,
      candidates: (id) => Promise.resolve(catalogue.find(id)?.plugin.versions ?? []),
      hostVersion,
    },
  );
  return new Map(planned.map((one) => [one.pluginId, one.version]));
}

function stepsOf(
  catalogue: Catalogue,
  plugin: ListedPlugin,
  installed: InstalledById,
  hostVersion: string,
  picked: ReadonlyMap<string, string> = new Map(),
): PlannedPlugin[] {
  const shown = versionOf(plugin);
  const itself = new Map([['', shown === undefined ? '*' : `=${shown.version}`]]);
  let wishes: Wishes = new Map([[plugin.id, itself]]);
  let choices = new Map<string, Choice>();
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    choices = new Map(
      [...wishes].map(([id, ranges]) => [
        id,
        choose(
          catalogue.find(id)?.plugin,
          ranges,
          { own: installed.get(id)?.version, picked: picked.get(id) },
          hostVersion,
        ),
      ]),
    );
    const next = wishesOf(choices, plugin.id, itself);
    if (isSame(next, wishes)) break;
    wishes = next;
  }
  return inOrder(choices, plugin.id).flatMap((id) => {
    const choice = choices.get(id);
    if (choice === undefined) return [];
    const { dependencies: _needs, ...step } = choice;
    return [{ id, ...step }];
  });
}

function choose(
  listed: ListedPlugin | undefined,
  ranges: ReadonlyMap<string, string>,
  { own, picked }: { own: string | undefined; picked: string | undefined },
  hostVersion: string,
): Choice {
  const wanted = [...new Set(ranges.values())];
  const range = wanted.join(' ') || '*';
  const fits = (version: string): boolean => wanted.every((one) => satisfies(version, one));
  // What is there and fits stays as it is, and so does what it needs.
  if (own !== undefined && fits(own)) return { range, version: own, action: 'none', dependencies: {} };
  const found = listed?.versions
    .toSorted((a, b) => compareVersions(b.version, a.version))
    .find((one) => (picked === undefined ? fits(one.version) && runsOn(hostVersion, one) : one.version === picked));
  if (found !== undefined) {
    const { version, dependencies } = found;
    return { range, version, action: own === undefined ? 'install' : 'update', dependencies };
  }
  const reason = listed === undefined ? 'No registry lists it' : whyNone(listed, ranges, hostVersion);
  return { range, version: null, action: 'impossible', reason, dependencies: {} };
}

function whyNone({ versions }: ListedPlugin, ranges: ReadonlyMap<string, string>, hostVersion: string): string {
  const alone = [...ranges].sort().map(([by, range]) => (by === '' ? range : `${by} needs ${range}`));
  const each = [...ranges.values()].every((range) => versions.some(({ version }) => satisfies(version, range)));
  if (ranges.size > 1 && each) return `No version suits all who need it: ${alone.join(', ')}`;
  return `No version in ${[...ranges.values()].join(' ')} runs on VerifyWise ${hostVersion}`;
}

function runsOn(hostVersion: string, { compatibility }: ListedVersion): boolean {
  return checkCompatibility(hostVersion, compatibility).compatible;
}

function wishesOf(choices: ReadonlyMap<string, Choice>, first: string, itself: Map<string, string>): Wishes {
  const wishes: Wishes = new Map([[first, new Map(itself)]]);
  const waiting = [first];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    for (const [needed, range] of Object.entries(choices.get(id)?.dependencies ?? {})) {
      const known = wishes.get(needed);
      if (known !== undefined) known.set(id, range);
      else if (wishes.size < MOST_PLUGINS) {
        wishes.set(needed, new Map([[id, range]]));
        waiting.push(needed);
      }
    }
  }
  return wishes;
}

function isSame(one: Wishes, other: Wishes): boolean {
  const written = (wishes: Wishes): string =>
    JSON.stringify([...wishes].map(([id, ranges]): [string, [string, string][]] => [id, [...ranges].sort()]).sort());
  return written(one) === written(other);
}

/** What is needed before what needs it; without recursion, because a registry may list a chain of any length. */
function inOrder(choices: ReadonlyMap<string, Choice>, first: string): string[] {
  const done = new Set<string>();
  const begun = new Set<string>();
  const waiting = [first];
  for (let id = waiting.at(-1); id !== undefined; id = waiting.at(-1)) {
    const needed = Object.keys(choices.get(id)?.dependencies ?? {}).filter((one) => choices.has(one));
    const next = begun.has(id) ? [] : needed.filter((one) => !begun.has(one)).reverse();
    begun.add(id);
    if (next.length > 0) waiting.push(...next);
    else {
      waiting.pop();
      done.add(id);
    }
  }
  return [...done];
}
