import type { Pool } from 'pg';
import { entityStore } from './entity-store.ts';
import { users } from '../entities/users.ts';
import { CORE } from './core-schema.ts';
import type { Query } from './transaction.ts';
import { inTransaction } from './transaction.ts';

/** The tenants that are there from the start. */
export const demoTenants = ['acme', 'globex'] as const;

export interface DemoUser {
  id: number;
  name: string;
  email: string;
  role: string;
}

/** An admin and a viewer for a tenant that has nobody yet. No events: nobody did it, and nobody could have heard it. */
export async function seedTenant(pool: Pool, tenant: string): Promise<void> {
  await inTransaction(pool, async (query) => {
    await query(`SELECT pg_advisory_xact_lock(hashtext($1))`, [`demo-platform.seed.${tenant}`]);
    const [anybody] = await query(`SELECT id FROM ${CORE}.users WHERE tenant = $1 LIMIT 1`, [tenant]);
    if (anybody !== undefined) return;
    const rows = entityStore(query, users);
    const company = `${tenant.charAt(0).toUpperCase()}${tenant.slice(1)}`;
    await rows.insert(tenant, { name: `Ada of ${company}`, email: `admin@${tenant}.example`, role: 'Admin' });
    await rows.insert(tenant, { name: `Vic of ${company}`, email: `viewer@${tenant}.example`, role: 'Viewer' });
  });
}

/** The user a demo token is for: the one asked for, else the tenant's first with that role, else its first. */
export async function findDemoUser(
  query: Query,
  tenant: string,
  wanted: { userId?: number; email?: string; role?: string },
): Promise<DemoUser | undefined> {
  const [user] = await query<DemoUser>(
    `SELECT id, name, email, role FROM ${CORE}.users
     WHERE tenant = $1 AND ($2::int IS NULL OR id = $2) AND ($3::text IS NULL OR email = $3)
     ORDER BY (role = $4) DESC, id LIMIT 1`,
    [tenant, wanted.userId ?? null, wanted.email ?? null, wanted.role ?? 'Admin'],
  );
  return user;
}
