-- Which projects, repositories, agents, users and models occur in the sessions of an org, or of one of its users? The
-- most used of each first.
-- Table: rollups (key: org_id, seconds, bucket), whose groups count the sessions of each combination.
SELECT
    list,
    member
FROM
(
    SELECT
        pair.1 AS list,
        pair.2 AS member,
        sum(sessions_of_part) AS used
    FROM
    (
        SELECT
            [('projects', project), ('repos', repo), ('agents', agent), ('users', user)] AS pairs,
            sum(part_sessions) AS sessions_of_part
        FROM rollups FINAL
        ARRAY JOIN
            groups.project_id AS project,
            groups.repo AS repo,
            groups.agent_name AS agent,
            groups.user_id AS user,
            groups.sessions AS part_sessions
        WHERE org_id = {org_id:String}
          AND seconds = 86400
          AND ({viewer_id:Nullable(String)} IS NULL OR user = {viewer_id:Nullable(String)})
        GROUP BY
            project,
            repo,
            agent,
            user
    )
    ARRAY JOIN pairs AS pair
    GROUP BY
        list,
        member
    UNION ALL
    SELECT
        'models' AS list,
        nullIf(model, '') AS member,
        sum(model_sessions) AS used
    FROM rollups FINAL
    ARRAY JOIN
        model_groups.model AS model,
        model_groups.user_id AS user,
        model_groups.sessions AS model_sessions
    WHERE org_id = {org_id:String}
      AND seconds = 86400
      AND ({viewer_id:Nullable(String)} IS NULL OR user = {viewer_id:Nullable(String)})
    GROUP BY member
)
WHERE member IS NOT NULL
ORDER BY
    list,
    used DESC,
    member
LIMIT {limit_by:UInt64} BY list
