import type { Page, Person } from '@verifywise/contracts';
import type { Registry } from '../catalogue/registry.ts';

/** Registries belong to no tenant, so an operator is named with theirs. The settings have no name of a person in them. */
export type RegistryActor = (Person & { tenant: string }) | { service: string };

/** What an operator did, or the settings at a start. */
export type RegistryAction = 'add' | 'change' | 'replace' | 'remove';

/** A registry as the log tells of it: of its token only whether there is one. */
type AuditedRegistry = Omit<Registry, 'name' | 'sealedToken'> & { tokenSet: boolean };

export interface RegistryAuditEntry {
  registry: string;
  action: RegistryAction;
  actor: RegistryActor;
  /** What is different, as it was and as it is now; all of it where the registry came or went, and null on the other side. */
  before: Partial<AuditedRegistry> | null;
  after: Partial<AuditedRegistry> | null;
}

/** An entry as it is read back. */
export interface RegistryAuditLine extends RegistryAuditEntry {
  id: string;
  at: string;
}

export interface RegistryAuditQuery {
  limit: number;
  /** Lines before this one. */
  before?: string;
  registry?: string;
  action?: RegistryAction;
  userId?: string;
}

/** Who did what to registries, newest first; entries are written with the change they tell of (RegistryStore). */
export type ReadRegistryAudit = (query: RegistryAuditQuery) => Promise<Page<RegistryAuditLine>>;

const differing = ['url', 'verified', 'local', 'allowedHosts', 'sealedToken'] as const satisfies (keyof Registry)[];

/** What an entry tells of a registry that was `before` and is `after`. A token that was given anew shows as set on both sides. */
export function differenceOf(
  before: Registry | null,
  after: Registry | null,
): Pick<RegistryAuditEntry, 'before' | 'after'> {
  const isDifferent = (field: (typeof differing)[number]): boolean =>
    JSON.stringify(before?.[field]) !== JSON.stringify(after?.[field]);
  const fields = differing.filter(isDifferent);
  return { before: shown(before, fields), after: shown(after, fields) };
}

function shown(registry: Registry | null, fields: readonly (keyof Registry)[]): Partial<AuditedRegistry> | null {
  if (registry === null) return null;
  const told = fields.map((field) =>
    field === 'sealedToken' ? ['tokenSet', registry.sealedToken !== null] : [field, registry[field]],
  );
  return Object.fromEntries(told) as Partial<AuditedRegistry>;
}
