-- With which texts did tools fail in this range, by tool and agent, and in which session last? The most frequent ones.
-- Tables: amounts (key: org_id, bucket, session_id) finds the sessions with failures, the latest ones first; facts (key:
-- org_id, session_id, place) has their texts. Facts are read without FINAL, which would read all of their payloads: a
-- call counts once by its id.
-- Numbers, paths and ids differ from failure to failure, so they are not part of a text.
WITH
    failing AS
    (
        SELECT
            session_id,
            any(agent_name) AS agent
        FROM amounts FINAL
        {{amounts}}
          AND arrayExists(tool -> tool.errors > 0, tools)
        GROUP BY session_id
        ORDER BY
            max(bucket) DESC,
            session_id
        LIMIT {sessions_max:UInt64}
    ),
    arrayFilter(line -> line != '', splitByRegexp('\\s*\\n\\s*', error)) AS lines,
    startsWith(lines[1], 'Exit code ') AND length(lines) > 1 AS has_code,
    replaceRegexpAll(if(has_code, lines[-1], lines[1]), '[^\\s\'"(]*/[^\\s\'":,)]*', '…') AS without_paths,
    replaceRegexpAll(without_paths, '\\b(0x)?[0-9a-f]{8,}(-[0-9a-f]{4,}){0,4}\\b', '…') AS without_ids,
    if(startsWith(without_ids, 'Exit code '), without_ids, replaceRegexpAll(without_ids, '[0-9]+', 'N')) AS line
SELECT
    tool_name,
    failing.agent AS agent_name,
    substringUTF8(if(has_code, concat(lines[1], ': ', line), line), 1, 200) AS error_text,
    uniqExact(session_id, call) AS errors,
    argMax(session_id, (timestamp, session_id)) AS last_session_id,
    toUnixTimestamp64Milli(max(timestamp)) AS last_ms
FROM
(
    SELECT
        session_id,
        tool_name,
        timestamp,
        if(tool_use_id = '', toString(event_id), tool_use_id) AS call,
        substringUTF8(JSONExtractString(data, 'error'), 1, 20000) AS error
    FROM facts
    PREWHERE org_id = {org_id:String}
        AND session_id IN (SELECT session_id FROM failing)
        AND event_type = 'PostToolUseFailure'
        AND NOT is_deleted
        AND timestamp >= {since:DateTime('UTC')}
        AND timestamp < {until:DateTime('UTC')}
) AS failures
INNER JOIN failing ON failures.session_id = failing.session_id
WHERE error != ''
GROUP BY
    tool_name,
    agent_name,
    error_text
ORDER BY
    errors DESC,
    last_ms DESC,
    tool_name,
    agent_name,
    error_text
LIMIT {limit:UInt64}
