-- Which orgs have rows in a table, and about how many each? Versions that are not merged yet count as well.
-- Table: facts, sessions, tasks, compactions or analyses (key: org_id).
SELECT
    org_id,
    count() AS found
FROM {table:Identifier}
WHERE org_id > {after:String}
GROUP BY org_id
ORDER BY org_id
LIMIT {limit:UInt32}
SETTINGS optimize_aggregation_in_order = 1
