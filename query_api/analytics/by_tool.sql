-- Which tools were used in this range, the most failures first?
-- Table: amounts (key: org_id, bucket, session_id); each row lists its tools. The rollups don't contain tools, so the time
-- grows with the number of sessions.
SELECT
    tool.tool_name AS tool_name,
    uniqExact(session_id) AS sessions,
    sum(tool.calls) AS calls,
    sum(tool.errors) AS errors,
    sum(tool.duration_ms) AS total_duration_ms
FROM amounts FINAL
ARRAY JOIN tools AS tool
{{amounts}}
GROUP BY tool_name
ORDER BY
    errors DESC,
    calls DESC,
    tool_name
LIMIT {limit:UInt64}
