import { PlatformError } from '@verifywise/contracts';
import type { Permission } from '@verifywise/plugin-types';
import type { Logger } from '@verifywise/service-kit';
import pg from 'pg';
import { permissionDenied } from '../../permission-denied.ts';
import type { StatementAnswer } from './bounded-statement.ts';
import { ConnectionRoom, ownerLeft } from './connection-room.ts';
import type { BackendControl, LoginLimits } from './plugin-login.ts';
import { PluginLogin } from './plugin-login.ts';
import type { DatabaseGrants, PluginRoles } from './plugin-roles.ts';

/** `read` logs in as the role that may only read, `write` as the owner of the plugin's tables. */
export type Access = 'read' | 'write';

/** A plugin of a tenant with what it is granted now; an Installation is one. */
export interface PluginOwner {
  tenant: string;
  pluginId: string;
  granted: readonly Permission[];
}

/** A session of a plugin's own role, for one use. */
export interface PluginConnection {
  /**
   * Runs one statement, bounded in time, rows and bytes; its text is taken as it is, so BEGIN and COMMIT are fine.
   * Rejects with PostgreSQL's own error, or with QUERY_TIMED_OUT or RESULT_TOO_LARGE; `queryError` makes it one for plugins.
   */
  client: {
    query(text: string, params?: readonly unknown[]): Promise<StatementAnswer>;
    readonly state: 'idle' | 'transaction' | 'failed' | undefined;
  };
  schema: string;
  /** Gives it back; nothing of this use is left for the next. With an error that says that the session is of no more use, it is closed. */
  release(error?: unknown): void;
  /** Ends the session now, with whatever it does. */
  destroy(why?: Error): void;
}

export interface PluginConnectionsOptions {
  /** Where plugins log in: PostgreSQL itself, since a pooler in front of it would share their sessions. */
  url: string;
  roles: {
    ensure(tenant: string, pluginId: string, grants: DatabaseGrants, mend?: boolean): Promise<PluginRoles>;
  };
  coreSchema: string;
  /** Of all plugins of this runner together. */
  most: number;
  limits: LoginLimits;
  control: BackendControl;
  log: Logger;
}

/** Made anew when a grant changes, or when PostgreSQL no longer knows what we made. */
interface Ready {
  grants: DatabaseGrants;
  roles: Promise<PluginRoles>;
}

/** PostgreSQL's ways to say that a role cannot log in as we know it: password, role, database, a setting of the role. */
const LOGIN_REFUSED = new Set(['28P01', '28000', '3D000', '42704', '42501', '22023', '58P01']);
const TOO_MANY = new Set(['53300', '53200']);

/** The sessions of all plugins of this runner: few for each, closed when idle, never more than `most` together. */
export class PluginConnections {
  readonly #options: PluginConnectionsOptions;
  readonly #room: ConnectionRoom<PluginLogin>;
  readonly #ready = new Map<string, Ready>();
  /** The present life of each plugin here; what was asked in an earlier one must not make its roles anew. */
  readonly #lives = new Map<string, symbol>();

  constructor(options: PluginConnectionsOptions) {
    this.#options = options;
    this.#room = new ConnectionRoom(options.most);
  }

  /**
   * A session for one use. Rejects with PERMISSION_DENIED when `database:<access>` is not granted, with UNAVAILABLE when none gets
   * free in time or PostgreSQL takes no more.
   */
  async acquire(owner: PluginOwner, access: Access): Promise<PluginConnection> {
    const { tenant, pluginId } = owner;
    assertGranted(owner, access);
    const key = keyOf(tenant, pluginId);
    const life = this.#lives.get(key) ?? Symbol(key);
    this.#lives.set(key, life);
    const assertHere = () => {
      if (this.#lives.get(key) !== life) throw ownerLeft();
    };
    const roles = await this.#rolesOf(owner);
    assertHere();
    const { name: role } = access === 'write' ? roles.writer : roles.reader;
    const login = await this.#room.take({ owner: key, role }, () => this.#open(owner, access, assertHere));
    let given = true;
    const once = (act: () => void) => {
      if (given) act();
      given = false;
    };
    return {
      schema: roles.schema,
      client: login,
      release: (error) => once(() => (isOver(error) ? this.#room.discard(login) : this.#room.giveBack(login))),
      destroy: (why) => {
        login.destroy(why);
        once(() => this.#room.discard(login));
      },
    };
  }

  /** Ends all sessions of a plugin that are open now, also those in use; what it has asked for until now is refused. */
  closeOf(tenant: string, pluginId: string): void {
    this.#lives.delete(keyOf(tenant, pluginId));
    this.#ready.delete(keyOf(tenant, pluginId));
    this.#room.closeOf(keyOf(tenant, pluginId));
  }

  close(): Promise<void> {
    this.#room.close();
    return Promise.resolve();
  }

  async #rolesOf(owner: PluginOwner, mend = false): Promise<PluginRoles> {
    const { tenant, pluginId, granted } = owner;
    const key = keyOf(tenant, pluginId);
    const grants = { read: granted.includes('database:read'), write: granted.includes('database:write') };
    const ready = this.#ready.get(key);
    if (!mend && ready?.grants.read === grants.read && ready.grants.write === grants.write) return ready.roles;
    // Sessions that began under other grants end with their use.
    if (ready) this.#room.retire(key);
    const made: Ready = {
      grants,
      roles: this.#options.roles.ensure(tenant, pluginId, grants, mend),
    };
    this.#ready.set(key, made);
    try {
      return await made.roles;
    } catch (error) {
      if (this.#ready.get(key) === made) this.#ready.delete(key);
      throw error;
    }
  }

  async #open(owner: PluginOwner, access: Access, assertHere: () => void): Promise<PluginLogin> {
    try {
      assertHere();
      return await this.#login(await this.#rolesOf(owner), access);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || !LOGIN_REFUSED.has(error.code ?? '')) throw unavailable(error);
      // Its roles may be gone because it is.
      assertHere();
      const { tenant, pluginId } = owner;
      this.#options.log.warn({ tenant, pluginId, err: error }, 'a plugin could not log in; its role is made anew');
      return this.#login(await this.#rolesOf(owner, true), access).catch((again: unknown) => {
        throw unavailable(again);
      });
    }
  }

  #login({ schema, writer, reader }: PluginRoles, access: Access): Promise<PluginLogin> {
    const { url, coreSchema, limits, control } = this.#options;
    const { name: role, password } = access === 'write' ? writer : reader;
    return PluginLogin.open({ url, role, password, searchPath: [schema, coreSchema], limits, control });
  }
}

function keyOf(tenant: string, pluginId: string): string {
  return `${tenant}/${pluginId}`;
}

function assertGranted({ pluginId, granted }: PluginOwner, access: Access): void {
  const permission = `database:${access}` as const;
  if (!granted.includes(permission)) throw permissionDenied(pluginId, permission);
}

/** What PostgreSQL refused leaves the session usable; anything else may have left an answer under way. */
function isOver(error: unknown): boolean {
  if (error === undefined || error instanceof PlatformError) return false;
  return !(error instanceof pg.DatabaseError) || error.severity === 'FATAL';
}

function unavailable(error: unknown): unknown {
  if (error instanceof PlatformError) return error;
  const full = error instanceof pg.DatabaseError && TOO_MANY.has(error.code ?? '');
  const message = full ? 'PostgreSQL takes no more connections now' : 'PostgreSQL cannot be reached now';
  return new PlatformError('UNAVAILABLE', `${message}; try again in a moment`, { cause: error });
}
