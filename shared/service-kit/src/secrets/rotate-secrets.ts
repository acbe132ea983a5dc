import { messageOf } from '../errors/thrown.ts';
import type { SecretBox, SecretPlace } from './secret-box.ts';

export interface SealedSecret {
  place: SecretPlace;
  sealed: string;
}

/** What changes in one transaction: the settings of one plugin, the token of one registry. */
export interface SealedOwner {
  secrets: SealedSecret[];
  /** Stores them as sealed now, by field; false when somebody has changed one of them in the meantime. */
  replace: (sealed: Record<string, string>) => Promise<boolean>;
}

/** Where a service keeps sealed secrets. */
export interface SealedStore {
  /** For people: "settings of plugins". */
  what: string;
  /** How many secrets are sealed with which key. */
  count(): Promise<Record<string, number>>;
  /** Those with a secret that is sealed with another key than this one, as they are when their turn comes. */
  owners(exceptKid: string): AsyncIterable<SealedOwner>;
  /** Copies that others have taken and replace by themselves, counted like the secrets. */
  copies?(): Promise<Record<string, number>>;
}

/** What a count grouped by key has found, by key. */
export function byKid(rows: readonly { kid: string; count: number }[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ kid, count }) => [kid, count]));
}

/** Rows in the order of tenant and plugin, page by page; each page is asked for when the rows before it have been dealt with. */
export async function* afterEachOther<Row extends { tenant: string; pluginId: string }>(
  nextPage: (tenant: string, pluginId: string) => Promise<Row[]>,
): AsyncGenerator<Row, void, undefined> {
  let last = { tenant: '', pluginId: '' };
  for (;;) {
    const page = await nextPage(last.tenant, last.pluginId);
    yield* page;
    const end = page.at(-1);
    if (end === undefined) return;
    last = end;
  }
}

export interface RotationOutcome {
  resealed: number;
  /** Sealed with another key than the first still. */
  left: number;
  /** Copies of that kind that are still to be replaced. */
  copiesLeft: number;
  /** Secrets that cannot be opened, each with the reason. */
  unreadable: string[];
}

/** What stands in the way of a rotation; undefined when nothing does. */
export async function rotationProblem(box: SecretBox, store: SealedStore): Promise<string | undefined> {
  const missing = Object.entries(await store.count()).filter(([kid]) => !box.kids.includes(kid));
  if (missing.length === 0) return undefined;
  const counts = missing.map(([kid, count]) => `${count} with ${kid}`).join(', ');
  const kids = missing.map(([kid]) => kid).join(' and ');
  return `${store.what}: secrets are sealed with a key that PLUGIN_SECRETS_KEY does not have (${counts}); add ${kids} to its end and run this again. Nothing was changed`;
}

/**
 * Seals with the first key what is sealed with another, one owner at a time. Whatever ends it, what was done stays done, and the next
 * run goes on with the rest; it may run beside services that write.
 */
export async function rotateSecrets(box: SecretBox, store: SealedStore): Promise<RotationOutcome> {
  const primary = box.kids[0] ?? '';
  const unreadable: string[] = [];
  let resealed = 0;
  for await (const { secrets, replace } of store.owners(primary)) {
    const renewed: Record<string, string> = {};
    let changed = 0;
    for (const { place, sealed } of secrets) {
      renewed[place.field] = sealed;
      if (!box.needsRewrap(sealed)) continue;
      try {
        renewed[place.field] = box.rewrap(sealed, place);
        changed += 1;
      } catch (error) {
        unreadable.push(`${messageOf(error)} (tenant ${place.tenant})`);
      }
    }
    if (changed > 0 && (await replace(renewed))) resealed += changed;
  }
  const copies = (await store.copies?.()) ?? {};
  return { resealed, left: others(await store.count(), primary), copiesLeft: others(copies, primary), unreadable };
}

function others(counts: Record<string, number>, kid: string): number {
  return Object.entries(counts).reduce((sum, [other, count]) => sum + (other === kid ? 0 : count), 0);
}
