-- Replace the rows of these sessions that are not newer than an offset. The new ones are empty.
-- Table: sessions, amounts, tasks, compactions or analyses (key org_id).
INSERT INTO {{table}} ({{key}}, {{columns}}version, log_partition, is_erased)
SELECT
    {{key}},
    {{values}}{offset:UInt64} + 1,
    {partition:UInt16},
    true
FROM {{table}}
WHERE (org_id, session_id) IN {sessions:Array(Tuple(String, UUID))}
GROUP BY {{key}}
HAVING max(version) <= {offset:UInt64}
