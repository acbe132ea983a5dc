import { createHash } from 'node:crypto';
import { answering, type QuestionAnswer } from '@verifywise/broker';
import {
  ListInstalledPlugins,
  ListTenantPlugins,
  MOST_TENANTS_ASKED,
  PlatformError,
  type InstalledPlugin,
  type TenantPlugins,
} from '@verifywise/contracts';

/** What is installed, in the few words that others need of it. */
export interface InstalledLists {
  installedOf(tenants: readonly string[]): Promise<Map<string, InstalledPlugin[]>>;
  tenantsAfter(tenant: string, limit: number): Promise<string[]>;
}

/** A tenant with hundreds of plugins is the exception, so a page stays far below the size of a message. */
const TENANTS_IN_A_PAGE = 100;

export function listInstalledPlugins(lists: InstalledLists): QuestionAnswer {
  return answering(ListInstalledPlugins, async ({ tenants }) => {
    if (tenants.length > MOST_TENANTS_ASKED)
      throw new PlatformError('BAD_REQUEST', `At most ${MOST_TENANTS_ASKED} tenants can be asked about at once`);
    const known = new Map(tenants.map(({ tenant, revision }) => [tenant, revision]));
    return (await listed(lists, [...known.keys()])).filter(({ tenant, revision }) => known.get(tenant) !== revision);
  });
}

export function listTenantPlugins(lists: InstalledLists): QuestionAnswer {
  return answering(ListTenantPlugins, async ({ after = '' }) => {
    const names = await lists.tenantsAfter(after, TENANTS_IN_A_PAGE);
    const next = names.length < TENANTS_IN_A_PAGE ? undefined : names.at(-1);
    return { tenants: await listed(lists, names), ...(next === undefined ? {} : { next }) };
  });
}

async function listed(lists: InstalledLists, tenants: readonly string[]): Promise<TenantPlugins[]> {
  const installed = await lists.installedOf(tenants);
  return [...installed].map(([tenant, plugins]) => ({ tenant, revision: revisionOf(plugins), plugins }));
}

/** Of everything that is told, so that nothing can change without it. */
function revisionOf(plugins: readonly InstalledPlugin[]): string {
  return createHash('sha1').update(JSON.stringify(plugins)).digest('base64url');
}
