-- How often did each tool fail in the sessions of each agent in this range?
-- Table: amounts (key: org_id, bucket, session_id); each row lists its tools.
SELECT
    tool.tool_name AS tool_name,
    agent_name,
    sum(tool.errors) AS errors
FROM amounts FINAL
ARRAY JOIN tools AS tool
{{amounts}}
GROUP BY
    tool_name,
    agent_name
HAVING errors > 0
ORDER BY
    tool_name,
    agent_name
