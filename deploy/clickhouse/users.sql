-- The users of the store, and what each of them may do. A test runs every process under exactly these rights, and finds
-- that none of them can be left out. Run it as an administrator, before `provision`; then give each process its own user
-- in STORE_URL:
--
--   crewkit_provision  `provision`, `prices`
--   crewkit_projector  `processors`
--   crewkit_query      `query-api`, `serve`
--   crewkit_bi         a tool that reads the numbers of one org
--
-- As it is, this file is refused: put a password's SHA-256 in place of each {{…}}, as printed by
--   printf %s "$PASSWORD" | sha256sum | cut -d' ' -f1
-- Where the control database has another name than `crewkit`, put that here, too. On a cluster add ON CLUSTER.

-- Makes databases, tables and views, and writes the first generation and the prices. It changes no row and drops nothing.
-- A later version may have to change a table: its notes then say which right it needs besides, such as ALTER TABLE.
CREATE USER IF NOT EXISTS crewkit_provision IDENTIFIED WITH sha256_hash BY '{{SHA-256 of provision''s password}}';
GRANT CREATE DATABASE ON crewkit*.* TO crewkit_provision;
GRANT CREATE TABLE ON crewkit*.* TO crewkit_provision; -- which allows the flat views for BI as well
GRANT SELECT ON crewkit*.* TO crewkit_provision; -- what was done before; the views are checked by what they read
GRANT INSERT ON crewkit*.* TO crewkit_provision; -- migrations, generations, prices, the first progress

-- Reads prices and generations, writes the tables of a generation, and takes rows out of them for repairs alone.
CREATE USER IF NOT EXISTS crewkit_projector IDENTIFIED WITH sha256_hash BY '{{SHA-256 of the projectors'' password}}';
GRANT SELECT ON crewkit.* TO crewkit_projector;
GRANT SELECT ON crewkit_g*.* TO crewkit_projector; -- facts of a session that it does not remember, sessions of an hour
GRANT INSERT ON crewkit_g*.* TO crewkit_projector;
GRANT ALTER DELETE ON crewkit_g*.* TO crewkit_projector; -- `coverage --repair` and `recount --repair`

-- Reads, within limits. `readonly = 2` lets it tighten them for each question; 1 would not, and a constant is never right.
-- MAX is above what is asked for, so that a question that someone asks by hand may take longer.
CREATE SETTINGS PROFILE IF NOT EXISTS crewkit_query SETTINGS
    readonly = 2,
    max_execution_time = 10 MAX 30,
    max_memory_usage = 2147483648 MAX 4294967296;
CREATE USER IF NOT EXISTS crewkit_query IDENTIFIED WITH sha256_hash BY '{{SHA-256 of query-api''s password}}'
    SETTINGS PROFILE 'crewkit_query';
GRANT SELECT ON crewkit*.* TO crewkit_query;

-- One org, through the flat views. They read as who asks, so the tables behind them need the right and the filter as well.
CREATE USER IF NOT EXISTS crewkit_bi IDENTIFIED WITH sha256_hash BY '{{SHA-256 of the BI tool''s password}}'
    SETTINGS PROFILE 'crewkit_query';
GRANT SELECT ON crewkit_g1.rollup_hourly_flat TO crewkit_bi;
GRANT SELECT ON crewkit_g1.rollup_daily_flat TO crewkit_bi;
GRANT SELECT ON crewkit_g1.rollup_hourly TO crewkit_bi;
GRANT SELECT ON crewkit_g1.rollup_daily TO crewkit_bi;
CREATE ROW POLICY IF NOT EXISTS crewkit_bi_org ON crewkit_g1.rollup_hourly, crewkit_g1.rollup_daily
    USING org_id = '{{ORG}}' TO crewkit_bi;
-- A server may hide every row of a table with a policy from those who have none: the others see all of them.
CREATE ROW POLICY IF NOT EXISTS crewkit_others ON crewkit_g1.rollup_hourly, crewkit_g1.rollup_daily
    USING 1 TO ALL EXCEPT crewkit_bi;
