import { describe, expect, test } from '@jest/globals';
import { statementKind } from './statement-kind.ts';

describe('how a statement is run', () => {
  test.each([
    ['SELECT 1', 'plain'],
    ['  -- note\n select * from plugin_a_b', 'plain'],
    ['((SELECT 1) UNION (SELECT 2))', 'plain'],
    ['INSERT INTO plugin_a_b VALUES ($1)', 'plain'],
    [`SELECT 'returning into'`, 'plain'],
    [`SELECT $$ into $$, $tag$ returning $$ $tag$, "into"`, 'plain'],
    [`SELECT E'\\' into '`, 'plain'],
    ['INSERT INTO plugin_a_b VALUES (1) RETURNING id', 'plain'],
    ['WITH gone AS (DELETE FROM plugin_a_b RETURNING *) SELECT * FROM gone', 'plain'],
    ['SELECT * INTO plugin_a_c FROM plugin_a_b', 'definition'],
    ['CREATE TABLE plugin_a_b (id int)', 'definition'],
    ['EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1', 'definition'],
    ['DO $$ BEGIN COMMIT; END $$', 'definition'],
    ['REFRESH MATERIALIZED VIEW CONCURRENTLY plugin_a_v', 'definition'],
    ['VACUUM plugin_a_b', 'alone'],
    ['CREATE INDEX CONCURRENTLY ON plugin_a_b (id)', 'alone'],
    ['create unique index /* x */ concurrently i ON plugin_a_b (id)', 'alone'],
    ['REINDEX TABLE CONCURRENTLY plugin_a_b', 'alone'],
    ['CREATE TABLE concurrently (n int)', 'definition'],
    ['ALTER TABLE plugin_a_b RENAME TO concurrently', 'definition'],
    ['SAVEPOINT here', 'savepoint'],
    ['ROLLBACK TO here', 'savepoint'],
    ['rollback work to savepoint here', 'savepoint'],
    ['RELEASE here', 'savepoint'],
    ['BEGIN', 'refused'],
    ['START TRANSACTION', 'refused'],
    ['; ; COMMIT', 'refused'],
    ['/* a /* nested */ */ -- and\n COMMIT', 'refused'],
    ['END', 'refused'],
    ['ABORT', 'refused'],
    ['ROLLBACK', 'refused'],
    ['ROLLBACK AND CHAIN', 'refused'],
    [`PREPARE TRANSACTION 'x'`, 'refused'],
    [`COMMIT PREPARED 'x'`, 'refused'],
    ['COPY plugin_a_b TO STDOUT', 'refused'],
    ['LISTEN everything', 'refused'],
  ])('%s is %s', (sql, kind) => {
    expect(statementKind(sql)).toBe(kind);
  });
});
