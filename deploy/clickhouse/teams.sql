-- The user of the team dashboard, deploy/grafana/teams.json: it reads the numbers of every org, and nothing else. Names
-- of agents, projects, repositories, models and users are among them; facts, titles and prompts are not.
--
-- Run it as an administrator after users.sql, with a password's SHA-256 in place of {{…}}. The rights are for one
-- generation by its name, since a right on all of them would include the facts. Run the last part again before each
-- `switch`, with the name of the generation that will be live in place of crewkit_g1. The dashboard finds it by itself.
--
-- For a dashboard of one org use crewkit_bi of users.sql, and give it one more right, so that it finds the generation:
--   GRANT SELECT ON crewkit.generations TO crewkit_bi;
CREATE USER IF NOT EXISTS crewkit_teams IDENTIFIED WITH sha256_hash BY '{{SHA-256 of the dashboard''s password}}'
    SETTINGS PROFILE 'crewkit_bi'; -- limits of time and memory
GRANT SELECT ON crewkit.generations TO crewkit_teams; -- which one is live

GRANT SELECT ON crewkit_g1.rollup_hourly_flat TO crewkit_teams;
GRANT SELECT ON crewkit_g1.rollup_daily_flat TO crewkit_teams;
GRANT SELECT ON crewkit_g1.rollup_hourly TO crewkit_teams; -- the views read with the caller's rights
GRANT SELECT ON crewkit_g1.rollup_daily TO crewkit_teams;
