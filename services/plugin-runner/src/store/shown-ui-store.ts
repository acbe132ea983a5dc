import type { DataSource } from 'typeorm';
import type { ShownUi, ShownUis } from '../ui/shown-ui.ts';
import { rows } from './sql.ts';

/** What enabled plugins show, as any runner last stored it. */
export class ShownUiStore implements ShownUis {
  readonly #db: DataSource;
  constructor(db: DataSource) {
    this.#db = db;
  }

  /** A surface may outlive its plugin's being enabled for a moment; what an admin has switched off is gone at once. */
  ofTenant(tenant: string): Promise<ShownUi[]> {
    return rows<ShownUi>(
      this.#db,
      `SELECT surface->'widgets' AS widgets, surface->'pages' AS pages
         FROM surfaces JOIN installations USING (tenant, plugin_id)
        WHERE tenant = $1 AND installation->>'desired' = 'enabled'
        ORDER BY plugin_id COLLATE "C"`,
      [tenant],
    );
  }
}
