import { checkCompatibility, satisfies } from '@verifywise/contracts';
import type { PluginCompatibility } from '@verifywise/plugin-types';
import { DependencyConflictError, DependencyCycleError } from './errors.ts';
import type { InstalledRecord } from './installed-plugin.ts';

/** A version of a plugin that could be installed. */
export interface Candidate {
  version: string;
  compatibility: PluginCompatibility;
  dependencies: Record<string, string>;
}

/** Somebody who needs a plugin in a range. */
export interface Need {
  by: string;
  range: string;
}

export interface PlannedInstall {
  pluginId: string;
  version: string;
}

interface Root {
  pluginId: string;
  version: string;
  dependencies: Record<string, string>;
}

interface Surroundings {
  installed: InstalledRecord[];
  /** Newest first. */
  candidates(pluginId: string): Promise<Candidate[]>;
  hostVersion: string;
}

/** No graph of plugins comes near; beyond, somebody has made one to keep us busy. */
const MOST_TRIES = 2_000;

/**
 * Which plugins must be installed before this one, each in a version that suits everybody who needs it, in an order in which
 * everything finds what it needs (S:9.3). Throws, with the reason in words, when no choice of versions suits all, or when plugins need
 * each other in a circle.
 */
export async function resolveDependencies(root: Root, surroundings: Surroundings): Promise<PlannedInstall[]> {
  const search = new Search(root, surroundings);
  const chosen = await search.find();
  return inOrder(root, chosen, surroundings.installed);
}

type Chosen = ReadonlyMap<string, Candidate>;

class Search {
  readonly #root: Root;
  readonly #surroundings: Surroundings;
  readonly #candidates = new Map<string, Candidate[]>();
  #tries = 0;
  /** The first dead end: going back over other versions finds others, but this one is about the newest of everything. */
  #deadEnd: DependencyConflictError | undefined;

  constructor(root: Root, surroundings: Surroundings) {
    this.#root = root;
    this.#surroundings = surroundings;
  }

  async find(): Promise<Chosen> {
    const { pluginId, version, dependencies } = this.#root;
    const found = await this.#settle(new Map(), needsOf(`${pluginId} ${version}`, dependencies));
    if (found === undefined)
      throw this.#deadEnd ?? new DependencyConflictError(pluginId, [], 'there are too many ways');
    return found;
  }

  /** A choice that meets all needs, keeping what is chosen; the newest versions that do. */
  async #settle(chosen: Chosen, needs: [string, Need][]): Promise<Chosen | undefined> {
    const open = needs.find(([id]) => this.#isOpen(id, chosen));
    const conflict = needs.find(([id, need]) => !this.#isOpen(id, chosen) && !this.#isMet(id, need, chosen));
    if (conflict !== undefined) {
      this.#deadEnd ??= this.#explain(conflict[0], needs, chosen);
      return undefined;
    }
    if (open === undefined) return chosen;
    const [id] = open;
    for (const candidate of await this.#fitting(id, needs)) {
      if ((this.#tries += 1) > MOST_TRIES) return undefined;
      const more = needsOf(`${id} ${candidate.version}`, candidate.dependencies);
      const found = await this.#settle(new Map([...chosen, [id, candidate]]), [...needs, ...more]);
      if (found !== undefined) return found;
    }
    this.#deadEnd ??= this.#explain(id, needs, chosen);
    return undefined;
  }

  #isOpen(id: string, chosen: Chosen): boolean {
    return this.#versionOf(id, chosen) === undefined;
  }

  #isMet(id: string, { range }: Need, chosen: Chosen): boolean {
    const version = this.#versionOf(id, chosen);
    return version !== undefined && satisfies(version, range);
  }

  #versionOf(id: string, chosen: Chosen): string | undefined {
    if (id === this.#root.pluginId) return this.#root.version;
    return chosen.get(id)?.version ?? this.#installed(id)?.version;
  }

  #installed(id: string): InstalledRecord | undefined {
    return this.#surroundings.installed.find(({ pluginId, state }) => pluginId === id && state !== 'installing');
  }

  async #fitting(id: string, needs: [string, Need][]): Promise<Candidate[]> {
    const known = await this.#known(id);
    return known.filter(
      ({ version, compatibility }) =>
        needs.every(([needed, { range }]) => needed !== id || satisfies(version, range)) &&
        checkCompatibility(this.#surroundings.hostVersion, compatibility).compatible,
    );
  }

  async #known(id: string): Promise<Candidate[]> {
    const known = this.#candidates.get(id) ?? (await this.#surroundings.candidates(id));
    this.#candidates.set(id, known);
    return known;
  }

  #explain(id: string, needs: [string, Need][], chosen: Chosen): DependencyConflictError {
    const wanted = needs.flatMap(([needed, need]) => (needed === id ? [need] : []));
    return new DependencyConflictError(id, wanted, this.#whyNot(id, wanted, chosen));
  }

  #whyNot(id: string, wanted: Need[], chosen: Chosen): string {
    const own = this.#installed(id);
    if (own !== undefined) return `${own.version} is installed; update ${id} first (POST /api/plugins/${id}/update)`;
    if (id === this.#root.pluginId) return `${this.#root.version} was asked for`;
    const picked = chosen.get(id);
    if (picked !== undefined) return `${picked.version} does not suit all of them`;
    const known = this.#candidates.get(id) ?? [];
    if (known.length === 0) return 'no registry has it';
    const there = known.map(({ version }) => version).join(', ');
    const { hostVersion } = this.#surroundings;
    const fits = known.filter(({ version }) => wanted.every(({ range }) => satisfies(version, range)));
    if (fits.length > 0 && fits.every((one) => !checkCompatibility(hostVersion, one.compatibility).compatible)) {
      return `${fits.map(({ version }) => version).join(', ')} would do, but does not run on VerifyWise ${hostVersion}`;
    }
    return `there are only ${there}${fits.length > 0 ? ', and what those need does not fit together' : ''}`;
  }
}

function needsOf(by: string, dependencies: Record<string, string>): [string, Need][] {
  return Object.entries(dependencies).map(([id, range]) => [id, { by, range }]);
}

/** Those that others need first, the root not among them; throws when there is no such order. */
function inOrder(root: Root, chosen: Chosen, installed: InstalledRecord[]): PlannedInstall[] {
  const dependenciesOf = new Map<string, string[]>(
    installed.map(({ pluginId, manifest }) => [pluginId, Object.keys(manifest.dependencies)]),
  );
  for (const [id, { dependencies }] of chosen) dependenciesOf.set(id, Object.keys(dependencies));
  dependenciesOf.set(root.pluginId, Object.keys(root.dependencies));
  const order: PlannedInstall[] = [];
  const done = new Set<string>();
  const visit = (id: string, path: string[]): void => {
    const circle = path.indexOf(id);
    if (circle !== -1) throw new DependencyCycleError([...path.slice(circle), id]);
    if (done.has(id)) return;
    for (const needed of dependenciesOf.get(id) ?? []) visit(needed, [...path, id]);
    done.add(id);
    const version = chosen.get(id)?.version;
    if (version !== undefined) order.push({ pluginId: id, version });
  };
  visit(root.pluginId, []);
  return order;
}
