export interface MetadataEntry<Value = unknown> {
  entityType: string;
  entityId: number;
  key: string;
  value: Value;
  updatedAt: Date;
}

/**
 * Small values of the plugin, kept per tenant, beside any entity of the platform (contract §1). Needs no permission.
 *
 * - `entityType`: `[A-Za-z][A-Za-z0-9_]{0,48}`, for instance `risk`, or `system` for the plugin itself.
 * - `entityId`: an integer ≥ 0; 0 where there is no entity.
 * - `key`: `[A-Za-z][A-Za-z0-9_:./-]{0,253}`.
 * - A value is JSON of at most 256 kB. Dates are stored, and come back, as ISO strings.
 *
 * Anything else rejects with an error whose `code` is `METADATA_INVALID` or `METADATA_TOO_LARGE`; nothing is cut or dropped silently.
 */
export interface MetadataApi {
  /** The stored value, or null when there is none. */
  get<Value = unknown>(entityType: string, entityId: number, key: string): Promise<Value | null>;
  /** Resolves once the value is stored; what was there before is replaced. */
  set(entityType: string, entityId: number, key: string, value: unknown): Promise<void>;
  /** True when there was something to delete. */
  delete(entityType: string, entityId: number, key: string): Promise<boolean>;
  /** Every value of one entity, by key. */
  getAll(entityType: string, entityId: number): Promise<Record<string, unknown>>;
  /** Stores several values of one entity, all or none. */
  setMany(entityType: string, entityId: number, values: Record<string, unknown>): Promise<void>;
  /** Deletes every value of one entity; answers how many there were. */
  deleteAll(entityType: string, entityId: number): Promise<number>;
  /** The entities of a type whose `key` holds this value. */
  findByKey<Value = unknown>(entityType: string, key: string, value: unknown): Promise<MetadataEntry<Value>[]>;
  /** The values of a type whose key begins with `prefix`, ordered by key. */
  findByKeyPrefix<Value = unknown>(entityType: string, prefix: string): Promise<MetadataEntry<Value>[]>;
  /** Everything the plugin has stored for this tenant. */
  getAllByPlugin(): Promise<MetadataEntry[]>;
  /** Deletes everything the plugin has stored for this tenant; answers how many values there were. */
  deleteByPlugin(): Promise<number>;
}
