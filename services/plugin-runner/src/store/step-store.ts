import type { DataSource } from 'typeorm';
import { storableJson } from '@verifywise/service-kit';
import type { StepOutcome } from '@verifywise/contracts';
import type { FinishedSteps } from '../messages/finished-steps.ts';
import { rows } from './sql.ts';

/** Steps are asked for again within an operation's life; a day later nobody asks. */
const KEEP = `interval '1 day'`;

/** The outcome of every step an operation ran here, so that a repeated request is answered, not run again. */
export class StepStore implements FinishedSteps {
  readonly #db: DataSource;
  constructor(db: DataSource) {
    this.#db = db;
  }

  async find(stepId: string): Promise<StepOutcome | null> {
    const [row] = await rows<{ outcome: StepOutcome }>(
      this.#db,
      'SELECT outcome FROM finished_steps WHERE step_id = $1',
      [stepId],
    );
    return row?.outcome ?? null;
  }

  async save(tenant: string, pluginId: string, outcome: StepOutcome): Promise<void> {
    await this.#db.query(
      'INSERT INTO finished_steps (step_id, tenant, plugin_id, outcome) VALUES ($1, $2, $3, $4) ON CONFLICT (step_id) DO NOTHING',
      [outcome.stepId, tenant, pluginId, storableJson(outcome)],
    );
    await this.#db.query(`DELETE FROM finished_steps WHERE finished_at < now() - ${KEEP}`);
  }
}
