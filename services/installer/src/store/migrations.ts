import { IdempotencyMigration, makeAppendOnly, outboxMigrations } from '@verifywise/service-kit';
import type { MigrationInterface, QueryRunner } from 'typeorm';

class InstallationsMigration implements MigrationInterface {
  readonly name = 'Installations1700000000010';

  async up(runner: QueryRunner): Promise<void> {
    // One sequence for all: a plugin that is installed again never meets a generation of its earlier life.
    await runner.query('CREATE SEQUENCE generations AS bigint');
    await runner.query(`CREATE TABLE installations (
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      partition integer NOT NULL,
      version text NOT NULL,
      package jsonb NOT NULL,
      manifest jsonb NOT NULL,
      granted jsonb NOT NULL,
      state text NOT NULL,
      desired text NOT NULL,
      generation bigint NOT NULL,
      source text NOT NULL,
      registry text,
      verified boolean NOT NULL,
      previous jsonb,
      last_error jsonb,
      target jsonb,
      running_since bigint NOT NULL,
      installed_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      PRIMARY KEY (tenant, plugin_id)
    )`);
    await runner.query('CREATE INDEX installations_by_partition ON installations (partition, tenant, plugin_id)');
    await runner.query(`CREATE TABLE configs (
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      "values" jsonb NOT NULL,
      secrets jsonb NOT NULL,
      retained_since timestamptz,
      PRIMARY KEY (tenant, plugin_id)
    )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE installations, configs');
    await runner.query('DROP SEQUENCE generations');
  }
}

class OperationsMigration implements MigrationInterface {
  readonly name = 'Operations1700000000011';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE operations (
      id uuid PRIMARY KEY,
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      kind text NOT NULL,
      input jsonb NOT NULL,
      progress jsonb NOT NULL,
      status text NOT NULL,
      error jsonb,
      actor jsonb NOT NULL,
      parent_id uuid,
      lease_token uuid,
      leased_until timestamptz NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      finished_at timestamptz
    )`);
    await runner.query(`CREATE UNIQUE INDEX operations_one_at_a_time ON operations (tenant, plugin_id)
      WHERE status IN ('running', 'undoing')`);
    await runner.query(`CREATE INDEX operations_unfinished ON operations (leased_until)
      WHERE status IN ('running', 'undoing')`);
    await runner.query('CREATE INDEX operations_by_parent ON operations (parent_id) WHERE parent_id IS NOT NULL');
    await runner.query(`CREATE TABLE operation_steps (
      operation_id uuid NOT NULL REFERENCES operations ON DELETE CASCADE,
      position integer GENERATED ALWAYS AS IDENTITY,
      name text NOT NULL,
      status text NOT NULL,
      attempt integer NOT NULL,
      outcome jsonb,
      error jsonb,
      started_at timestamptz NOT NULL,
      finished_at timestamptz,
      PRIMARY KEY (operation_id, name)
    )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE operation_steps, operations');
  }
}

class PackagesMigration implements MigrationInterface {
  readonly name = 'Packages1700000000012';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE packages (
      digest text PRIMARY KEY,
      size integer NOT NULL,
      manifest jsonb NOT NULL,
      warnings jsonb NOT NULL,
      source_checksum text NOT NULL,
      builtin boolean NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    )`);
    await runner.query('CREATE INDEX packages_by_source ON packages (source_checksum)');
    // In pieces, so that nobody ever holds a whole package as one value.
    await runner.query(`CREATE TABLE package_pieces (
      digest text NOT NULL REFERENCES packages ON DELETE CASCADE,
      position integer NOT NULL,
      bytes bytea NOT NULL,
      PRIMARY KEY (digest, position)
    )`);
    await runner.query('ALTER TABLE package_pieces ALTER COLUMN bytes SET STORAGE EXTERNAL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE package_pieces, packages');
  }
}

class RecordsMigration implements MigrationInterface {
  readonly name = 'Records1700000000013';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE audit (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      action text NOT NULL,
      actor jsonb NOT NULL,
      before jsonb,
      after jsonb,
      operation_id uuid,
      at timestamptz NOT NULL DEFAULT now()
    )`);
    await runner.query('CREATE INDEX audit_by_plugin ON audit (tenant, plugin_id, id)');
    await runner.query(`CREATE TABLE config_history (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      field text NOT NULL,
      secret boolean NOT NULL,
      before jsonb,
      after jsonb,
      actor jsonb NOT NULL,
      at timestamptz NOT NULL DEFAULT now()
    )`);
    await runner.query('CREATE INDEX config_history_by_plugin ON config_history (tenant, plugin_id, id)');
    await runner.query(`CREATE TABLE alerts (
      id text PRIMARY KEY,
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      version text NOT NULL,
      message text NOT NULL,
      failure jsonb,
      at timestamptz NOT NULL DEFAULT now()
    )`);
    await runner.query('CREATE INDEX alerts_by_tenant ON alerts (tenant, at)');
    await makeAppendOnly(runner, 'audit', 'config_history');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit, config_history, alerts');
    await runner.query('DROP FUNCTION refuse_change()');
  }
}

class FailuresMigration implements MigrationInterface {
  readonly name = 'Failures1700000000014';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE failures (
      report_id text PRIMARY KEY,
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      generation bigint NOT NULL,
      error jsonb NOT NULL,
      at timestamptz NOT NULL
    )`);
    await runner.query('CREATE INDEX failures_of_plugin ON failures (tenant, plugin_id, at)');
    await runner.query('CREATE INDEX failures_by_time ON failures (at)');
    await runner.query(`ALTER TABLE alerts
      ADD COLUMN severity text NOT NULL DEFAULT 'critical',
      ADD COLUMN suggested_fix text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE alerts DROP COLUMN severity, DROP COLUMN suggested_fix');
    await runner.query('DROP TABLE failures');
  }
}

class StartsMigration implements MigrationInterface {
  readonly name = 'Starts1700000000015';

  async up(runner: QueryRunner): Promise<void> {
    // Plugins that failed, and are started again after a while.
    await runner.query(`CREATE TABLE starts (
      tenant text NOT NULL,
      plugin_id text NOT NULL,
      generation bigint NOT NULL,
      due_at timestamptz NOT NULL,
      PRIMARY KEY (tenant, plugin_id)
    )`);
    await runner.query('CREATE INDEX starts_by_time ON starts (due_at)');
    await runner.query('CREATE INDEX alerts_by_time ON alerts (at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX alerts_by_time');
    await runner.query('DROP TABLE starts');
  }
}

class AuditMigration implements MigrationInterface {
  readonly name = 'Audit1700000000016';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE audit
      ADD COLUMN outcome text NOT NULL DEFAULT 'succeeded',
      ADD COLUMN error jsonb,
      ADD COLUMN request jsonb,
      ADD COLUMN parent_operation_id uuid`);
    await runner.query('CREATE INDEX audit_by_tenant ON audit (tenant, id)');
    await runner.query('CREATE INDEX audit_by_operation ON audit (operation_id) WHERE operation_id IS NOT NULL');
    await runner.query('ALTER TABLE alerts ADD COLUMN acknowledged_by jsonb, ADD COLUMN acknowledged_at timestamptz');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE alerts DROP COLUMN acknowledged_by, DROP COLUMN acknowledged_at');
    await runner.query('DROP INDEX audit_by_tenant, audit_by_operation');
    await runner.query(
      'ALTER TABLE audit DROP COLUMN outcome, DROP COLUMN error, DROP COLUMN request, DROP COLUMN parent_operation_id',
    );
  }
}

class OperationsOfRequestsMigration implements MigrationInterface {
  readonly name = 'OperationsOfRequests1700000000017';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE operations ADD COLUMN request_key text');
    await runner.query(`CREATE INDEX operations_by_request ON operations (tenant, request_key)
      WHERE request_key IS NOT NULL`);
    await runner.query(`CREATE INDEX operations_finished ON operations (tenant, finished_at)
      WHERE finished_at IS NOT NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX operations_finished');
    await runner.query('ALTER TABLE operations DROP COLUMN request_key');
  }
}

class PackageSourcesMigration implements MigrationInterface {
  readonly name = 'PackageSources1700000000018';

  async up(runner: QueryRunner): Promise<void> {
    // Several archives may hold the same files, and are one package then.
    await runner.query(`CREATE TABLE package_sources (
      checksum text PRIMARY KEY,
      digest text NOT NULL REFERENCES packages ON DELETE CASCADE
    )`);
    await runner.query(`INSERT INTO package_sources (checksum, digest)
      SELECT source_checksum, min(digest) FROM packages GROUP BY source_checksum`);
    await runner.query('DROP INDEX packages_by_source');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX packages_by_source ON packages (source_checksum)');
    await runner.query('DROP TABLE package_sources');
  }
}

class OwnHistoryMigration implements MigrationInterface {
  readonly name = 'OwnHistory1700000000019';

  async up(runner: QueryRunner): Promise<void> {
    // What a plugin has set itself goes again when there is enough of it; what people have set stays for ever.
    await runner.query('DROP TRIGGER append_only ON config_history');
    await runner.query(`CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON config_history
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`);
    await runner.query(`CREATE TRIGGER only_own_go BEFORE DELETE ON config_history FOR EACH ROW
      WHEN (OLD.actor->>'service' IS DISTINCT FROM 'plugin:' || OLD.plugin_id) EXECUTE FUNCTION refuse_change()`);
    await runner.query(`CREATE INDEX config_history_own ON config_history (tenant, plugin_id, id)
      WHERE actor->>'service' = 'plugin:' || plugin_id`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX config_history_own');
    await runner.query('DROP TRIGGER only_own_go ON config_history');
    await runner.query('DROP TRIGGER append_only ON config_history');
    await runner.query(`CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON config_history
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`);
  }
}

class DownloadsMigration implements MigrationInterface {
  readonly name = 'Downloads1700000000020';

  async up(runner: QueryRunner): Promise<void> {
    // Who fetches a package now, and why the last one who did could not.
    await runner.query(`CREATE TABLE downloads (
      key text PRIMARY KEY,
      token uuid NOT NULL,
      leased_until timestamptz NOT NULL,
      error jsonb
    )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE downloads');
  }
}

class PackageCodeMigration implements MigrationInterface {
  readonly name = 'PackageCode1700000000021';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE packages ADD COLUMN has_code boolean');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE packages DROP COLUMN has_code');
  }
}

class ManifestOrderMigration implements MigrationInterface {
  readonly name = 'ManifestOrder1700000000022';

  async up(runner: QueryRunner): Promise<void> {
    await this.#change(runner, 'json');
  }

  async down(runner: QueryRunner): Promise<void> {
    await this.#change(runner, 'jsonb');
  }

  /** All that a manifest stands in: jsonb would sort its settings. */
  async #change(runner: QueryRunner, type: 'json' | 'jsonb'): Promise<void> {
    const columns = {
      installations: ['manifest', 'previous', 'target'],
      packages: ['manifest'],
      operations: ['progress'],
    };
    for (const [table, names] of Object.entries(columns)) {
      const changes = names.map((name) => `ALTER COLUMN ${name} TYPE ${type} USING ${name}::${type}`);
      await runner.query(`ALTER TABLE ${table} ${changes.join(', ')}`);
    }
  }
}

class WantedPackagesMigration implements MigrationInterface {
  readonly name = 'WantedPackages1700000000023';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE packages ADD COLUMN wanted_at timestamptz NOT NULL DEFAULT now()');
    await runner.query('CREATE INDEX packages_by_want ON packages (wanted_at) WHERE NOT builtin');
    // Removing a package looks for what points at it.
    await runner.query('CREATE INDEX package_sources_by_digest ON package_sources (digest)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX package_sources_by_digest');
    await runner.query('ALTER TABLE packages DROP COLUMN wanted_at');
  }
}

export const migrations = [
  ...outboxMigrations,
  IdempotencyMigration,
  InstallationsMigration,
  OperationsMigration,
  PackagesMigration,
  RecordsMigration,
  FailuresMigration,
  StartsMigration,
  AuditMigration,
  OperationsOfRequestsMigration,
  PackageSourcesMigration,
  OwnHistoryMigration,
  DownloadsMigration,
  PackageCodeMigration,
  ManifestOrderMigration,
  WantedPackagesMigration,
];
