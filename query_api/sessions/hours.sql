-- In which hours did the matching sessions of an org start, and how many in each, according to the rollups? In which
-- hours may the rollups lag behind the sessions, because a row is newer than the mark of its partition?
-- Tables: rollups (key: org_id, seconds, bucket); sessions (key: org_id, started_hour, session_id). Of `sessions` only
-- partition and version are read, without FINAL: a row that has been replaced may name an hour needlessly.
SELECT
    toUnixTimestamp(hour) AS hour_s,
    max(hour_matches) AS matches,
    max(hour_is_behind) AS is_behind
FROM
(
    SELECT
        toStartOfHour(bucket) AS hour,
        sum(arraySum(
            (part_sessions, part_project, part_repo, part_agent, part_user) -> if(part_sessions > 0
                AND ({own_user_id:Nullable(String)} IS NULL OR part_user = {own_user_id:Nullable(String)})
                AND ({user_id:Nullable(String)} IS NULL OR part_user = {user_id:Nullable(String)})
                AND ({project_id:Nullable(String)} IS NULL OR part_project = {project_id:Nullable(String)})
                AND ({repo:Nullable(String)} IS NULL OR part_repo = {repo:Nullable(String)})
                AND ({agent_name:Nullable(String)} IS NULL OR part_agent = {agent_name:Nullable(String)}),
                part_sessions, 0),
            groups.sessions, groups.project_id, groups.repo, groups.agent_name, groups.user_id)) AS hour_matches,
        false AS hour_is_behind
    FROM rollups FINAL
    WHERE org_id = {org_id:String}
      AND seconds = 900
      AND ({started_after:Nullable(DateTime64(3, 'UTC'))} IS NULL
           OR bucket >= toStartOfHour({started_after:Nullable(DateTime64(3, 'UTC'))}))
      AND ({started_before:Nullable(DateTime64(3, 'UTC'))} IS NULL
           OR bucket < toStartOfHour({started_before:Nullable(DateTime64(3, 'UTC'))}) + 3600)
    GROUP BY hour
    UNION ALL
    SELECT DISTINCT
        started_hour,
        0,
        true
    FROM sessions
    WHERE org_id = {org_id:String}
      AND ({started_after:Nullable(DateTime64(3, 'UTC'))} IS NULL
           OR started_hour >= toStartOfHour({started_after:Nullable(DateTime64(3, 'UTC'))}))
      AND ({started_before:Nullable(DateTime64(3, 'UTC'))} IS NULL
           OR started_hour <= toStartOfHour({started_before:Nullable(DateTime64(3, 'UTC'))}))
      AND version > transform(log_partition, {partitions:Array(UInt16)}, {rolled_up:Array(UInt64)}, toUInt64(0))
)
GROUP BY hour
HAVING matches > 0 OR is_behind
ORDER BY hour
LIMIT {limit:UInt64}
