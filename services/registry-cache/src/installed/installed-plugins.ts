import { MOST_TENANTS_ASKED, type TenantPlugins } from '@verifywise/contracts';
import { installedById, type InstalledById } from '../catalogue/installed-flags.ts';

/** What a tenant has installed, as the installer says; the same object for as long as nothing of it changes. */
export interface TenantInstalled {
  revision: string;
  plugins: InstalledById;
}

export interface KnownInstalled extends TenantInstalled {
  /** False when nobody could say it lately; then this is what was known last. */
  current: boolean;
}

/** What tenants have installed, never older than a second while the installer answers. */
export interface InstalledPlugins {
  /** Rejects with what keeps the installer from answering when nothing is known of the tenant. */
  of(tenant: string): Promise<KnownInstalled>;
  /** Something has changed for this tenant: what is known is asked for again before it is shown. */
  changed(tenant: string): void;
}

/** Asks the installer; tenants whose revision has not changed are left out of the answer. */
export type AskInstaller = (tenants: { tenant: string; revision?: string }[]) => Promise<TenantPlugins[]>;

/** A change anywhere is seen within this time, with or without word of it. */
const KNOWN_FOR_MS = 800;
/** From here on the next request has it asked for again without waiting, so that who asks often never waits. */
const ASKED_AGAIN_AFTER_MS = 400;
/** What nobody waits for is asked together: thousands of requests a second come to a few questions. */
const GATHERED_FOR_MS = 100;
/** Who browses can do so without the newest flags, and should not wait for an installer that hangs. */
const PATIENCE_MS = 500;
/** So long nobody waits for an installer that did not answer a moment ago. */
const AWAY_FOR_MS = 1_000;
const MOST_TENANTS = 10_000;

interface Entry {
  known?: TenantInstalled;
  /** When the question was asked that `known` is the answer to. */
  asOf: number;
  changedAt: number;
  asking?: Promise<void>;
}

/** A question that is about to be asked. */
interface NextQuestion {
  tenants: Map<string, Entry>;
  answered: Promise<void>;
  /** Asks it with all that are due at this moment, instead of waiting for more. */
  ask(): void;
}

/** One question for all tenants that are due at the same time, and hardly ever one that a request waits for. */
export function installedPlugins(ask: AskInstaller, now: () => number = () => performance.now()): InstalledPlugins {
  const entries = new Map<string, Entry>();
  let next: NextQuestion | undefined;
  let away: { since: number; error: unknown } | undefined;

  return {
    async of(tenant) {
      const entry = entryOf(tenant);
      const age = ageOf(entry);
      if (entry.known !== undefined && age < KNOWN_FOR_MS) {
        if (age >= ASKED_AGAIN_AFTER_MS && !isAway()) askedSoon(tenant, entry).catch(() => undefined);
        return { ...entry.known, current: true };
      }
      return refreshed(tenant, entry);
    },
    changed(tenant) {
      const entry = entries.get(tenant);
      if (entry !== undefined) entry.changedAt = now();
    },
  };

  async function refreshed(tenant: string, entry: Entry): Promise<KnownInstalled> {
    const { known } = entry;
    if (isAway()) {
      askedSoon(tenant, entry).catch(() => undefined);
      if (known === undefined) throw away?.error;
      return { ...known, current: false };
    }
    try {
      const answer = answered(tenant, entry);
      await (known === undefined ? answer : Promise.race([answer, patience()]));
    } catch (error) {
      if (entry.known === undefined) throw error;
    }
    if (entry.known === undefined) throw away?.error;
    return { ...entry.known, current: ageOf(entry) < KNOWN_FOR_MS };
  }

  /** An answer to a question that was asked before the last change says nothing of it, so it is asked once more. */
  async function answered(tenant: string, entry: Entry): Promise<void> {
    await askedNow(tenant, entry);
    if (entry.asOf <= entry.changedAt) await askedNow(tenant, entry);
  }

  function askedNow(tenant: string, entry: Entry): Promise<void> {
    const asking = askedSoon(tenant, entry);
    if (next?.tenants.has(tenant) === true) next.ask();
    return asking;
  }

  function askedSoon(tenant: string, entry: Entry): Promise<void> {
    if (entry.asking === undefined) {
      next ??= nextQuestion();
      next.tenants.set(tenant, entry);
      entry.asking = next.answered.finally(() => delete entry.asking);
      entry.asking.catch(() => undefined);
    }
    return entry.asking;
  }

  function nextQuestion(): NextQuestion {
    const tenants = new Map<string, Entry>();
    const due = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => due.resolve(undefined), GATHERED_FOR_MS).unref();
    const answered = due.promise.then(() => {
      clearTimeout(timer);
      next = undefined;
      return askFor(tenants);
    });
    return { tenants, answered, ask: () => setImmediate(() => due.resolve(undefined)) };
  }

  async function askFor(batch: ReadonlyMap<string, Entry>): Promise<void> {
    const all = [...batch];
    const parts: [string, Entry][][] = [];
    for (let at = 0; at < all.length; at += MOST_TENANTS_ASKED) parts.push(all.slice(at, at + MOST_TENANTS_ASKED));
    await Promise.all(parts.map(askPart));
  }

  async function askPart(part: readonly [string, Entry][]): Promise<void> {
    const asOf = now();
    try {
      const changed = await ask(
        part.map(([tenant, { known }]) => ({ tenant, ...(known === undefined ? {} : { revision: known.revision }) })),
      );
      const news = new Map(changed.map((one) => [one.tenant, one]));
      for (const [tenant, entry] of part) {
        const { revision, plugins } = news.get(tenant) ?? {};
        if (revision !== undefined && plugins !== undefined)
          entry.known = { revision, plugins: installedById(plugins) };
        entry.asOf = asOf;
      }
      away = undefined;
    } catch (error) {
      away = { since: now(), error };
      throw error;
    }
  }

  function isAway(): boolean {
    return away !== undefined && now() - away.since < AWAY_FOR_MS;
  }

  function ageOf({ asOf, changedAt }: Entry): number {
    return asOf <= changedAt ? Number.POSITIVE_INFINITY : now() - asOf;
  }

  function entryOf(tenant: string): Entry {
    const kept = entries.get(tenant);
    if (kept !== undefined) return kept;
    if (entries.size >= MOST_TENANTS) forgetOldest();
    const entry = { asOf: Number.NEGATIVE_INFINITY, changedAt: Number.NEGATIVE_INFINITY };
    entries.set(tenant, entry);
    return entry;
  }

  function forgetOldest(): void {
    for (const oldest of entries.keys()) {
      entries.delete(oldest);
      return;
    }
  }
}

function patience(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref());
}
