-- Which tool did each of these sessions of an org use last, and since when does one of its agents wait for a person?
-- Table: facts (key: org_id, session_id, place).
-- An agent waits from its first question, or the end of its turn, that no work of its own follows in the log.
SELECT
    session_id,
    nullIf(argMax(tool, tool_place), '') AS last_tool,
    min(waits_since_ms) AS waiting_since_ms
FROM (
    SELECT
        session_id,
        argMaxIf(tool_name, place, tool_name != '') AS tool,
        maxIf(place, tool_name != '') AS tool_place,
        maxIf(place, event_type IN {works:Array(String)}) AS worked,
        groupArrayIf((place, toUnixTimestamp64Milli(timestamp)), event_type IN {asks:Array(String)}) AS asked,
        nullIf(arrayMin(arrayMap(ask -> ask.2, arrayFilter(ask -> ask.1 > worked, asked))), 0) AS waits_since_ms
    FROM facts FINAL
    WHERE org_id = {org_id:String}
      AND session_id IN {session_ids:Array(UUID)}
    GROUP BY
        session_id,
        agent_id)
GROUP BY session_id
