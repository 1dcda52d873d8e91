-- The users of the store and their rights. A test runs every process with exactly these rights, and shows that each is
-- needed. Run this file as an administrator before `provision`; then give each process its own user in STORE_URL:
--
--   crewkit_provision  `provision`, `prices`
--   crewkit_projector  `processors`
--   crewkit_query      `query-api`, `serve`
--   crewkit_bi         a tool that reads the numbers of one org
--
-- This file is refused until it is completed: put a password's SHA-256 in place of each {{…}}, as printed by
--   printf %s "$PASSWORD" | sha256sum | cut -d' ' -f1
-- If the control database is not called `crewkit`, replace the name here, too. On a cluster add ON CLUSTER and, with
-- replicas, GRANT SYSTEM SYNC REPLICA ON crewkit*.* TO the first three.

-- Creates databases, tables and views, writes the first generation and the prices, and creates and drops generations on
-- request. It changes no row and no column, and drops nothing else, so never a table of the control database. If a later
-- version has to change more, its release notes name the right that it needs.
CREATE USER IF NOT EXISTS crewkit_provision IDENTIFIED WITH sha256_hash BY '{{SHA-256 of provision''s password}}';
GRANT CREATE DATABASE ON crewkit*.* TO crewkit_provision;
GRANT CREATE TABLE ON crewkit*.* TO crewkit_provision; -- which includes the flat views for BI
GRANT ALTER ADD COLUMN ON crewkit_g*.* TO crewkit_provision; -- later migrations of the tables of a generation
GRANT ALTER ADD INDEX ON crewkit_g*.* TO crewkit_provision; -- such as the index of words
GRANT SELECT ON crewkit*.* TO crewkit_provision; -- earlier migrations; creating a view checks the tables that it reads
GRANT INSERT ON crewkit*.* TO crewkit_provision; -- migrations, generations, jobs, prices, the first progress
GRANT DROP DATABASE ON crewkit_g*.* TO crewkit_provision; -- `drop` of a generation
GRANT DROP TABLE ON crewkit_g*.* TO crewkit_provision; -- its tables, which includes its flat views

-- Reads prices, generations and jobs, reports on jobs, and writes the tables of a generation. It deletes rows
-- for repairs, and when a mark is wrong because the store lost rows.
CREATE USER IF NOT EXISTS crewkit_projector IDENTIFIED WITH sha256_hash BY '{{SHA-256 of the projectors'' password}}';
GRANT SELECT ON crewkit.* TO crewkit_projector;
GRANT INSERT ON crewkit.requests TO crewkit_projector; -- which process does a job, and its result
GRANT INSERT ON crewkit.generations TO crewkit_projector; -- `switch`, `pause`, `resume`
GRANT INSERT ON crewkit.proofs TO crewkit_projector; -- `prove`
GRANT INSERT ON crewkit.erasure_checks TO crewkit_projector; -- up to which erasures nothing is left
GRANT SELECT ON crewkit_g*.* TO crewkit_projector; -- facts of a session that is not cached, sessions of an hour
GRANT INSERT ON crewkit_g*.* TO crewkit_projector;
GRANT ALTER DELETE ON crewkit_g*.* TO crewkit_projector; -- `--repair`, `sweep`; the mark of receipts that were lost

-- Reads, within limits, and adds the jobs of operators. Its profile is not `readonly`, since that would forbid this
-- INSERT; without other rights it can't write anything else. MAX is above what the service requests, so that a manual
-- query may take longer.
CREATE SETTINGS PROFILE IF NOT EXISTS crewkit_query SETTINGS
    max_execution_time = 10 MAX 30,
    max_memory_usage = 2147483648 MAX 4294967296;
CREATE USER IF NOT EXISTS crewkit_query IDENTIFIED WITH sha256_hash BY '{{SHA-256 of query-api''s password}}'
    SETTINGS PROFILE 'crewkit_query';
GRANT SELECT ON crewkit*.* TO crewkit_query;
GRANT INSERT ON crewkit.requests TO crewkit_query; -- the jobs of operators, such as `repair`, `replay` and `sweep`

-- Reads one org, through the flat views. They read with the caller's rights, so their table needs the right and the
-- filter, too. After a `switch`, run this part again with the name of the live generation in place of crewkit_g1.
-- With `readonly = 2` the user can lower the limits for a query; with 1 it could not.
CREATE SETTINGS PROFILE IF NOT EXISTS crewkit_bi SETTINGS
    readonly = 2,
    max_execution_time = 10 MAX 30,
    max_memory_usage = 2147483648 MAX 4294967296;
CREATE USER IF NOT EXISTS crewkit_bi IDENTIFIED WITH sha256_hash BY '{{SHA-256 of the BI tool''s password}}'
    SETTINGS PROFILE 'crewkit_bi';
GRANT SELECT ON crewkit_g1.rollup_hourly_flat TO crewkit_bi;
GRANT SELECT ON crewkit_g1.rollup_daily_flat TO crewkit_bi;
GRANT SELECT ON crewkit_g1.rollups_flat TO crewkit_bi;
GRANT SELECT ON crewkit_g1.rollups TO crewkit_bi;
CREATE ROW POLICY IF NOT EXISTS crewkit_bi_org ON crewkit_g1.rollups
    USING org_id = '{{ORG}}' TO crewkit_bi;
-- On a table with a policy, a server may hide all rows from users without one. This policy shows those users all rows.
CREATE ROW POLICY IF NOT EXISTS crewkit_others ON crewkit_g1.rollups
    USING 1 TO ALL EXCEPT crewkit_bi;
