-- The user of the team dashboard, deploy/grafana/teams.json: it reads the numbers of every org, and nothing else. They
-- include names of agents, projects, repositories, models and users, but no facts, titles or prompts.
--
-- Run it as an administrator after users.sql, with a password's SHA-256 in place of {{…}}. The rights name one
-- generation, since a right on all of them would include the facts. Before each `switch`, run the last part again with
-- the name of the next live generation in place of crewkit_g1. The dashboard finds the live generation by itself.
--
-- For a dashboard of one org, use crewkit_bi of users.sql, and give it one more right, so that it finds the generation:
--   GRANT SELECT ON crewkit.generations TO crewkit_bi;
CREATE USER IF NOT EXISTS crewkit_teams IDENTIFIED WITH sha256_hash BY '{{SHA-256 of the dashboard''s password}}'
    SETTINGS PROFILE 'crewkit_bi'; -- limits of time and memory
GRANT SELECT ON crewkit.generations TO crewkit_teams; -- to find the live one

GRANT SELECT ON crewkit_g1.rollup_hourly_flat TO crewkit_teams;
GRANT SELECT ON crewkit_g1.rollup_daily_flat TO crewkit_teams;
GRANT SELECT ON crewkit_g1.rollups_flat TO crewkit_teams; -- the views read with the caller's rights
GRANT SELECT ON crewkit_g1.rollups TO crewkit_teams;
