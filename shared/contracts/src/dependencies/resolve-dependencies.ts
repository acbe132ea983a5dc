import type { PluginCompatibility } from '@verifywise/plugin-types';
import { checkCompatibility, satisfies } from '../manifest/versions.ts';
import {
  DependencyConflictError,
  DependencyCycleError,
  TooManyDependenciesError,
  type DependencyNeed,
} from './dependency-errors.ts';

/** A version of a plugin that could be installed. */
export interface DependencyCandidate {
  version: string;
  compatibility: PluginCompatibility;
  dependencies: Record<string, string>;
}

/** A plugin in the version that is there, or that is to be there. */
export interface VersionWithNeeds {
  pluginId: string;
  version: string;
  /** Plugin id → range. */
  dependencies: Record<string, string>;
}

export interface PlannedInstall {
  pluginId: string;
  version: string;
}

interface Surroundings {
  /** What is still being installed may yet be undone, and does not count. */
  installed: readonly VersionWithNeeds[];
  /** Newest first. */
  candidates(pluginId: string): Promise<readonly DependencyCandidate[]>;
  hostVersion: string;
}

/** No graph of plugins comes near; beyond, somebody has made one to keep us busy. */
const MOST_TRIES = 2_000;

/**
 * Which plugins must be installed before this one, each in a version that suits everybody who needs it, in an order in which
 * everything finds what it needs (S:9.3). Throws, with the reason in words, when no choice of versions suits all, or when plugins need
 * each other in a circle.
 */
export async function resolveDependencies(
  root: VersionWithNeeds,
  surroundings: Surroundings,
): Promise<PlannedInstall[]> {
  const search = new Search(root, surroundings);
  const chosen = await search.find();
  return inOrder(root, chosen, surroundings.installed);
}

type Chosen = ReadonlyMap<string, DependencyCandidate>;
type NeedOf = DependencyNeed & { id: string };

/** Looks for a choice of versions: the newest that go together. What is chosen is taken back where it leads to nothing. */
class Search {
  readonly #root: VersionWithNeeds;
  readonly #surroundings: Surroundings;
  readonly #installed: ReadonlyMap<string, VersionWithNeeds>;
  readonly #candidates = new Map<string, readonly DependencyCandidate[]>();
  readonly #chosen = new Map<string, DependencyCandidate>();
  /** Of the root and everything chosen, in the order in which they came up. */
  readonly #needs: NeedOf[] = [];
  /** The same by what is needed: whoever looks at one plugin need not look at all. */
  readonly #needsOf = new Map<string, DependencyNeed[]>();
  #tries = 0;
  /** The first dead end: going back over other versions finds others, but this one is about the newest of everything. */
  #deadEnd: DependencyConflictError | undefined;

  constructor(root: VersionWithNeeds, surroundings: Surroundings) {
    this.#root = root;
    this.#surroundings = surroundings;
    this.#installed = new Map(surroundings.installed.map((one) => [one.pluginId, one]));
  }

  async find(): Promise<Chosen> {
    const { pluginId, version, dependencies } = this.#root;
    if (this.#add(`${pluginId} ${version}`, dependencies) && (await this.#settle(0))) return this.#chosen;
    if (this.#deadEnd !== undefined) throw this.#deadEnd;
    throw new TooManyDependenciesError(pluginId, MOST_TRIES);
  }

  /** Whether all needs from that one on can be met, keeping what is chosen. */
  async #settle(from: number): Promise<boolean> {
    let at = from;
    while (at < this.#needs.length && this.#versionOf(this.#needs[at]?.id ?? '') !== undefined) at += 1;
    const open = this.#needs[at];
    if (open === undefined) return true;
    const { id } = open;
    for (const candidate of await this.#fitting(id)) {
      if ((this.#tries += 1) > MOST_TRIES) return false;
      const { length } = this.#needs;
      this.#chosen.set(id, candidate);
      if (this.#add(`${id} ${candidate.version}`, candidate.dependencies) && (await this.#settle(at))) return true;
      this.#chosen.delete(id);
      this.#takeBack(length);
    }
    if (this.#tries <= MOST_TRIES) this.#deadEnd ??= this.#explain(id);
    return false;
  }

  /** False when one of them is for another version than is settled already. */
  #add(by: string, dependencies: Record<string, string>): boolean {
    const added = Object.entries(dependencies).map(([id, range]) => ({ id, by, range }));
    for (const { id, range } of added) {
      const needs = this.#needsOf.get(id) ?? [];
      this.#needsOf.set(id, [...needs, { by, range }]);
    }
    this.#needs.push(...added);
    const unmet = added.find(({ id, range }) => {
      const version = this.#versionOf(id);
      return version !== undefined && !satisfies(version, range);
    });
    if (unmet !== undefined) this.#deadEnd ??= this.#explain(unmet.id);
    return unmet === undefined;
  }

  /** Only so many needs are left. */
  #takeBack(length: number): void {
    for (const { id } of this.#needs.splice(length)) {
      this.#needsOf.set(id, (this.#needsOf.get(id) ?? []).slice(0, -1));
    }
  }

  #versionOf(id: string): string | undefined {
    if (id === this.#root.pluginId) return this.#root.version;
    return (this.#chosen.get(id) ?? this.#installed.get(id))?.version;
  }

  async #fitting(id: string): Promise<readonly DependencyCandidate[]> {
    const known = this.#candidates.get(id) ?? (await this.#surroundings.candidates(id));
    this.#candidates.set(id, known);
    const needs = this.#needsOf.get(id) ?? [];
    return known.filter(
      ({ version, compatibility }) =>
        needs.every(({ range }) => satisfies(version, range)) &&
        checkCompatibility(this.#surroundings.hostVersion, compatibility).compatible,
    );
  }

  #explain(id: string): DependencyConflictError {
    const wanted = this.#needsOf.get(id) ?? [];
    return new DependencyConflictError(id, wanted, this.#whyNot(id, wanted));
  }

  #whyNot(id: string, wanted: readonly DependencyNeed[]): string {
    const own = this.#installed.get(id);
    if (own !== undefined) return `${own.version} is installed; update ${id} first (POST /api/plugins/${id}/update)`;
    if (id === this.#root.pluginId) return `${this.#root.version} was asked for`;
    const picked = this.#chosen.get(id);
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

/** Those that others need first, the root not among them; throws when there is no such order. */
function inOrder(root: VersionWithNeeds, chosen: Chosen, installed: readonly VersionWithNeeds[]): PlannedInstall[] {
  const dependenciesOf = new Map<string, string[]>(
    installed.map(({ pluginId, dependencies }) => [pluginId, Object.keys(dependencies)]),
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
