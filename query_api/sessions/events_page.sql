-- Which hook events of a session match, from a place in the log on, and how large are they? The first ones, in order.
-- Table: facts (key: org_id, session_id, place), read in its order up to the limit.
SELECT
    place,
    length(data) AS bytes
FROM facts FINAL
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND kind = 'events_recorded'
  AND place >= {since:UInt64}
  AND ({after:Nullable(DateTime64(3, 'UTC'))} IS NULL OR timestamp >= {after:Nullable(DateTime64(3, 'UTC'))})
  AND ({before:Nullable(DateTime64(3, 'UTC'))} IS NULL OR timestamp < {before:Nullable(DateTime64(3, 'UTC'))})
  AND ({event_type:Nullable(String)} IS NULL OR event_type = {event_type:Nullable(String)})
  AND ({tool_name:Nullable(String)} IS NULL OR nullIf(tool_name, '') = {tool_name:Nullable(String)})
  AND ({agent_id:Nullable(String)} IS NULL OR nullIf(agent_id, '') = {agent_id:Nullable(String)})
ORDER BY place
LIMIT {limit:UInt64}
